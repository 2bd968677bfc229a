"""What the model reads: results, and what went wrong, as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum

from pydantic_core import PydanticSerializationError, to_json


class Unwritable(Exception):
    """A result that JSON has no words for."""


def result_text(result: object) -> str:
    """A text as it is, everything else as JSON; so None is ``null``. Raises ``Unwritable``."""
    if isinstance(result, str) and not isinstance(result, Enum):
        return result
    if isinstance(result, Iterator):
        raise Unwritable("it is an iterator, which may have no end")
    try:
        # JSON has no word for these numbers; a model reads them as texts.
        return to_json(result, inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise Unwritable(str(error)) from None


def error_text(message: str) -> str:
    """The one shape of errors: ``{"error": "..."}``."""
    return json.dumps({"error": message}, ensure_ascii=False)


def failure_text(error: BaseException) -> str:
    """An exception of the function, in its own words."""
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  # its own code runs here
        words = ""
    name = type(error).__name__
    return error_text(
        f"The function failed: {name}: {words}" if words else f"The function failed: {name}"
    )


def bounded(text: str, limit: int) -> str:
    """At most ``limit`` bytes of valid UTF-8; what is cut is said at its end."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    note = f"\n[cut here: the output has {len(encoded)} bytes, more than the {limit} allowed]"
    return encoded[: max(0, limit - len(note))].decode(errors="ignore") + note
