"""Texts in the portions in which a provider takes them, and what it says of texts that are too long. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from understudy_server.models.failure import UpstreamFailure

MOST_TEXTS: Final = 128
MOST_TOKENS: Final = 50_000
"""Of one request; the largest providers take six times as many."""
LONGEST: Final = 32_000
"""Characters of one text: no model that is in use reads more."""
SHORTEST: Final = 100
"""Characters; a provider that finds this too long means something else."""

_TOO_LONG: Final = re.compile(
    r"context (length|window|size)|maximum context|too (long|large|many tokens)|token limit"
    r"|(less|more|fewer) than \d+ tokens|batch size",
    re.IGNORECASE,
)


def tokens(text: str) -> int:
    """About; rather too many than too few."""
    return 1 + len(text.encode(errors="replace")) // 3


def batches(
    texts: Sequence[str], *, most_texts: int, most_tokens: int = MOST_TOKENS
) -> Iterator[range]:
    """The indexes of each portion, in order. A text that is too long for any is alone."""
    first, size = 0, 0
    for number, text in enumerate(texts):
        length = tokens(text)
        if number > first and (number - first >= most_texts or size + length > most_tokens):
            yield range(first, number)
            first, size = number, 0
        size += length
    if first < len(texts):
        yield range(first, len(texts))


def prepared(text: str) -> str:
    """As it is sent: providers refuse a text without anything in it, and what UTF-8 cannot write."""
    cut = text[:LONGEST].encode(errors="replace").decode()
    return cut if cut.strip() else "-"


def is_too_much(failure: UpstreamFailure) -> bool:
    """Whether fewer texts, or shorter ones, may be taken."""
    if failure.kind != "refused":
        return False
    if failure.status == 413 or failure.code == "context_length_exceeded":
        return True
    return failure.status in (400, 422, 500) and _TOO_LONG.search(failure.message) is not None


def is_about(failure: UpstreamFailure, parameter: str) -> bool:
    """Whether the provider does not take a parameter."""
    return (
        failure.kind == "refused"
        and failure.status in (400, 422)
        and (failure.param == parameter or parameter in failure.message)
    )
