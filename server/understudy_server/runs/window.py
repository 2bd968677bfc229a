"""Fitting a conversation into a model's window. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.models import port as model
from understudy_server.runs import tokens

ANSWER_TOKENS = 4_096
"""Kept free for an answer of which nobody has said how long it may be."""


def room_for_prompt(context_window: int, longest_answer: int | None) -> int:
    """A window holds prompt and answer. ``longest_answer``: tokens, None when nobody has limited it.

    However long the answer may be, the prompt keeps half of the window; without a limit, three quarters: many clients
    allow far more than they expect, and a forgotten conversation is a sure loss against a possible one.
    """
    if longest_answer is None:
        return context_window - min(ANSWER_TOKENS, context_window // 4)
    return context_window - min(longest_answer, context_window // 2)


def newest_that_fit(items: Sequence[model.Message], room: int) -> Sequence[model.Message]:
    """Whole oldest messages go first; the newest stays in any case."""
    start = len(items)
    left = room
    while start > 0:
        left -= tokens.of_item(items[start - 1])
        if left < 0 and start < len(items):
            break
        start -= 1
    return items[start:]
