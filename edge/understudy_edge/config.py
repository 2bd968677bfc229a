"""The settings of one edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from understudy_edge.tls import Tls

MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsPolicy:
    """Which web pages may call this server from a browser. None, unless origins are named."""

    origins: tuple[str, ...] = ()
    """Origins such as ``https://app.example``; ``*`` admits every page. A page that may call also
    holds a key, so a public page means a public key."""
    methods: tuple[str, ...] = ("GET", "POST", "DELETE")
    max_age: int = 600
    """Seconds for which a browser may remember the answer to a preflight request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    body_limit: int = 8 * MEGABYTE
    """Bytes of a request body that is JSON. Messages may hold images as data URLs."""
    request_timeout: float = 60.0
    """Seconds for a unary call, and for a stream to be accepted; for the silence of a core in the middle of an
    upload or a download, however long that takes. A request with ``wait`` has its own ``wait_timeout`` on top."""
    client_silence: float = 300.0
    """Seconds for which a client in the middle of an upload, a download or a stream may do nothing."""
    heartbeat_seconds: float = 15.0
    """Seconds of silence on a stream before a comment is sent to keep it open."""
    resume_seconds: float = 30.0
    """Seconds for which a stream whose core went away is tried on other cores."""
    retry_seconds: float = 5.0
    """Seconds for which a call waits for a core that is there, and is repeated when its core goes away,
    where that is safe. 0: each call is made once, with no idempotency key but the caller's."""
    poll_after_ms: int = 300
    """Milliseconds between two requests of a polling SDK helper."""
    event_ids: bool = True
    """Whether streamed events carry an ``id:`` line. Without it the bytes are OpenAI's own, and
    clients cannot resume by ``Last-Event-ID``."""
    tls: Tls | None = None
    """For the REST face; None: plain text."""
    cors: CorsPolicy = field(default_factory=CorsPolicy)
