"""Reading JSON that a stranger wrote: a value of the wrong type reads as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_EMPTY: Json = {}


def as_object(value: object) -> Json:
    return value if isinstance(value, dict) else _EMPTY


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int:
    """A number of tokens; zero for anything that cannot be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def as_index(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
