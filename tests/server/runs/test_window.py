"""What fits a window, and what is left out."""

from __future__ import annotations

import pytest

from understudy_server.models import port as model
from understudy_server.runs import tokens, window


@pytest.mark.parametrize(
    ("context_window", "longest_answer", "room"),
    [
        (128_000, None, 128_000 - 4_096),
        (16_385, None, 16_385 - 4_096),
        (8_192, None, 8_192 - 2_048),
        (300, None, 225),
        (128_000, 256, 127_744),
        (128_000, 16_384, 111_616),
        (128_000, 64_000, 64_000),
        (128_000, 1_000_000, 64_000),
        (1, None, 1),
        (1, 1, 1),
    ],
)
def test_an_answer_needs_room_too(
    context_window: int, longest_answer: int | None, room: int
) -> None:
    assert window.room_for_prompt(context_window, longest_answer) == room


@pytest.mark.parametrize(
    ("room", "kept"), [(-5, 1), (0, 1), (10, 1), (11, 1), (20, 2), (29, 2), (30, 3), (99, 3)]
)
def test_whole_messages_fit_or_go(room: int, kept: int) -> None:
    text = "x" * 4 * (10 - tokens.PER_ITEM)
    items = [model.Message(role="user", parts=(model.Text(text=text),))] * 3
    assert len(window.newest_that_fit(items, room)) == kept
    assert window.newest_that_fit([], room) == []
