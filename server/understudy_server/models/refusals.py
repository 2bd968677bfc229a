"""What a provider says in a response that is no stream of events, as ``UpstreamFailure``. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import orjson

from understudy_server.models.failure import UpstreamFailure, reported
from understudy_server.models.loose import as_list, as_object

LONGEST_EXPLANATION: Final = 64 * 1024
"""Bytes that are read of a refusal; an explanation is not longer."""
_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamFailure:
    """The failure behind any status but success. ``body``: its beginning."""
    failure = explanation(body) or reported(None)
    failure.status = status
    failure.retry_after = retry_after(headers)
    return failure


def unstreamed(kind: str, body: bytes) -> UpstreamFailure:
    """The failure behind a success that brought something else than events."""
    loaded = _loaded(body)
    error = as_object(loaded).get("error")
    if error:
        return reported(error)
    return UpstreamFailure(kind="malformed", message=f"it is {kind}, not an event stream")


def explanation(body: bytes) -> UpstreamFailure | None:
    """What an error's body says, in whatever form; None if it says nothing."""
    loaded = _loaded(body)
    if loaded is None:
        text = _readable(body.decode(errors="replace").strip())
        return reported(text) if text else None
    if items := as_list(loaded):
        loaded = items[0]
    fields = as_object(loaded)
    return reported(fields.get("error") or fields or loaded)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. A date is not read: those who limit model calls send numbers."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) * unit)
    return None


def _loaded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _readable(text: str) -> str:
    """A plain text as it is; of a page, its title."""
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    return title[1].strip() if title else ""
