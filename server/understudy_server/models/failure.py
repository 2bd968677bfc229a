"""What can go wrong between this server and a model provider, as one plain exception.

It stays inside this package: ``retry.py`` decides whether to try again, ``complaints.py`` turns
what is left into the ``ModelError`` of the port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import orjson

from understudy_server.models.loose import Json, as_object, as_text

FailureKind: TypeAlias = Literal["unreachable", "refused", "dropped", "stalled", "malformed"]
"""``unreachable``: no connection. ``refused``: the provider reported an error, by status or inside
the stream. ``dropped``: the connection ended before the answer did. ``stalled``: no bytes for too
long. ``malformed``: bytes came that are not the dialect."""

_MESSAGES: Final = ("message", "detail", "msg")


@dataclass(eq=False, kw_only=True)
class UpstreamFailure(Exception):
    """``message`` is the provider's own where it gave one; the other fields are None if unknown.

    For ``refused`` it is empty if the provider gave no reason.
    """

    kind: FailureKind
    message: str = ""
    status: int | None = None
    """The HTTP status; None for an error inside a stream."""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    retry_after: float | None = None
    """Seconds."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def reported(error: object) -> UpstreamFailure:
    """The failure behind an error value: an object, or just a text."""
    fields: Json = as_object(error)
    code = fields.get("code")
    return UpstreamFailure(
        kind="refused",
        message=_first_text(fields) or as_text(error),
        # Routers in front of many providers put the status of the one behind them here.
        status=code if _is_status(code) else None,
        code=as_text(code) or None,
        type=as_text(fields.get("type")) or None,
        param=as_text(fields.get("param")) or None,
    )


def _first_text(fields: Json) -> str:
    """Servers that are not OpenAI's call the message by other names."""
    return next(filter(None, (as_text(fields.get(name)) for name in _MESSAGES)), "")


def _is_status(code: object) -> bool:
    return isinstance(code, int) and 400 <= code < 600


def written(value: object) -> bytes:
    """A decoded value as JSON again. Raises ``UpstreamFailure``: what can be read may be nested too deep to write."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise UpstreamFailure(kind="malformed", message="JSON that is nested too deep") from None
