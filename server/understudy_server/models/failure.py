"""What can go wrong between this server and a model provider, as one plain exception.

It stays inside this package: ``retry.py`` decides whether to try again, ``complaints.py`` turns
what is left into the ``ModelError`` of the port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from understudy_server.models.loose import Json, as_object, as_text

FailureKind: TypeAlias = Literal["unreachable", "refused", "dropped", "stalled", "malformed"]
"""``unreachable``: no connection. ``refused``: the provider reported an error, by status or inside
the stream. ``dropped``: the connection ended before the answer did. ``stalled``: no bytes for too
long. ``malformed``: bytes came that are not the dialect."""


@dataclass(eq=False, kw_only=True)
class UpstreamFailure(Exception):
    """``message`` is the provider's own where it gave one; the other fields are None if unknown."""

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
    """The failure behind an error value found inside a stream: an object, or just a text."""
    fields: Json = as_object(error)
    return UpstreamFailure(
        kind="refused",
        message=as_text(fields.get("message")) or as_text(error) or "no reason was given",
        code=as_text(fields.get("code")) or None,
        type=as_text(fields.get("type")) or None,
        param=as_text(fields.get("param")) or None,
    )
