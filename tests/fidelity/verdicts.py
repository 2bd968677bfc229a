"""What the server does with a property of OpenAI's description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["honoured", "echoed", "idle", "refused", "constant", "absent"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MEANINGS: dict[Kind, str] = {
    "honoured": "in a request: it has the effect that it has at OpenAI; in a response: it tells what is the case.",
    "echoed": "kept, and given back as it came; nothing else depends on it.",
    "idle": "accepted and checked, and there is nothing yet on which it could act.",
    "refused": "an error that names it.",
    "constant": "where it is sent, always the same value.",
    "absent": "never sent.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    kind: Kind
    note: str = ""
    """A sentence for readers."""
    tests: tuple[str, ...] = ()
    """Ids of tests that show the effect, beside the test of every property of its kind."""
    never: Mapping[str, str] = field(default_factory=dict)
    """Values of its list that do not occur, with the reason."""
    value: object = None
    """That of a constant."""


Table: TypeAlias = dict[str, dict[str, Verdict]]
"""By schema (or operation), then by path of the property."""


def honoured(note: str = "", *tests: str, never: Mapping[str, str] | None = None) -> Verdict:
    return Verdict(kind="honoured", note=note, tests=tests, never=never or {})


def echoed(note: str, *tests: str) -> Verdict:
    return Verdict(kind="echoed", note=note, tests=tests)


def idle(note: str, *tests: str) -> Verdict:
    return Verdict(kind="idle", note=note, tests=tests)


def refused(note: str) -> Verdict:
    return Verdict(kind="refused", note=note)


def constant(value: object, note: str) -> Verdict:
    return Verdict(kind="constant", note=note, value=value)


def absent(note: str) -> Verdict:
    return Verdict(kind="absent", note=note)
