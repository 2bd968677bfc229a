"""What a docstring in Google's style says about a function and its parameters. Pure.

Tells the weather of a city.

Args:
    city: Its name, and the country if it is not unique.
    days (int): How far ahead.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SECTION = re.compile(
    r"(args|arguments|parameters|returns?|yields?|raises|examples?|notes?)\s*:", re.IGNORECASE
)
_PARAMETERS = ("args", "arguments", "parameters")
_ENTRY = re.compile(r"(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring:
    description: str | None
    """Everything before the first section."""
    parameters: Mapping[str, str]


def parse_docstring(text: str | None) -> Docstring:
    description: list[str] = []
    entries: list[str] = []
    target: list[str] | None = description
    for line in inspect.cleandoc(text or "").splitlines():
        if section := _SECTION.fullmatch(line.rstrip()):
            target = entries if section[1].lower() in _PARAMETERS else None
        elif target is entries and line and not line[0].isspace():
            target = None
        elif target is not None:
            target.append(line)
    return Docstring(
        description="\n".join(description).strip() or None, parameters=_entries(entries)
    )


def _entries(lines: list[str]) -> dict[str, str]:
    """A line that is indented deeper than the first one continues the entry above it."""
    found: dict[str, list[str]] = {}
    name, depth = "", None
    for line in filter(str.strip, lines):
        indent = len(line) - len(line.lstrip())
        depth = indent if depth is None else depth
        entry = _ENTRY.fullmatch(line.strip()) if indent <= depth else None
        if entry is not None:
            name = entry[1]
            found[name] = [entry[2]]
        elif name:
            found[name].append(line.strip())
    return {name: " ".join(filter(None, parts)) for name, parts in found.items()}
