"""Values that somebody might send, from a seeded source."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

NUMBERS = (0, -1, 1, 2, 100, 2**31, 2**53, 2**63, 2**70, 0.5, -0.0, 1e308)
TEXTS = (
    "",
    "a",
    "\x00",
    "\u2028",
    "é" * 10,
    "😀" * 50,
    "x" * 600,
    "../../etc/passwd",
    "'; drop table",
    "{}",
    "%00",
)
_DEEPEST = 4


class Values:
    """``words``: names and values of the contract; ``ids``: what may be referred to; it may grow."""

    def __init__(self, source: random.Random, words: Sequence[str], ids: list[str]) -> None:
        self._source = source
        self._words = words
        self._ids = ids

    def word(self) -> str:
        return self._source.choice(self._words)

    def json(self, depth: int = 0) -> Any:
        match self._source.randrange(14):
            case 0:
                return None
            case 1:
                return self._source.choice(NUMBERS)
            case 2:
                return self._source.random() < 0.5
            case 3:
                return self._source.choice(TEXTS)
            case 4 if depth < _DEEPEST:
                return [self.json(depth + 1) for _ in range(self._source.randrange(4))]
            case 5 if depth < _DEEPEST:
                return self.object(self._source.randrange(4), depth + 1)
            case 6 | 7 | 8 | 9 if self._ids:
                return self._source.choice(self._ids)
            case _:
                return self.word()

    def object(self, size: int, depth: int = 0) -> dict[str, Any]:
        return {self.word(): self.json(depth) for _ in range(size)}

    def text(self) -> str:
        return str(self.json(_DEEPEST))[:80]
