"""One line of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``FAIL``: the server does not start, or does not answer; ``warn``: perhaps not as meant."""

    level: Level
    what: str
    words: str
    """What was found and, unless it is fine, what to do."""

    def __str__(self) -> str:
        # One line, whatever the message of a provider contains.
        return f"{self.level:<5} {self.what:<14} {' '.join(self.words.split())}"
