"""Path templates of ``google.api.http``: literals, ``{variable}`` and, at the end, ``{variable=**}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LITERAL: Final = re.compile(r"[A-Za-z0-9._~-]+")
_VARIABLE: Final = re.compile(r"\{(?P<name>[a-z][a-z0-9_]*)(?P<rest>=\*\*)?\}")


class BadTemplate(ValueError):
    """A template outside the part of the syntax that the edge serves."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One segment, or with ``rest`` everything that is left of the path, slashes included."""

    name: str
    rest: bool = False


Segment = Literal | Variable


def parse_template(template: str) -> tuple[Segment, ...]:
    """``/v1/threads/{thread_id}`` -> its segments. Raises ``BadTemplate``."""
    if not template.startswith("/"):
        raise BadTemplate(f"{template!r} does not begin with a slash")
    segments = tuple(_segment(text, template) for text in template[1:].split("/"))
    names = [segment.name for segment in segments if isinstance(segment, Variable)]
    if len(set(names)) != len(names):
        raise BadTemplate(f"{template!r} names a variable twice")
    for segment in segments[:-1]:
        if isinstance(segment, Variable) and segment.rest:
            raise BadTemplate(f"{template!r} goes on after a variable that takes the rest")
    return segments


def _segment(text: str, template: str) -> Segment:
    if _LITERAL.fullmatch(text):
        return Literal(text)
    found = _VARIABLE.fullmatch(text)
    if found is None:
        raise BadTemplate(f"{template!r} has a segment {text!r} that is not supported")
    return Variable(found["name"], rest=found["rest"] is not None)
