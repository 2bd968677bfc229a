"""What both dialects' stream parsers are to the code that reads a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from understudy_server.models.loose import Json
from understudy_server.models.port import ModelEvent


class StreamParser(Protocol):
    """Turns the decoded events of one answer into model events. Pure apart from its own state."""

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, so that a connection that ends now has lost nothing."""
        ...

    @property
    def finished(self) -> bool:
        """Whether ``Finished`` was given out; nothing that follows matters."""
        ...

    def feed(self, event: Json) -> Sequence[ModelEvent]:
        """Raises ``UpstreamFailure`` for an error that the provider reports inside the stream."""
        ...

    def end(self, *, announced: bool) -> Sequence[ModelEvent]:
        """The stream is over; ``announced`` by ``[DONE]``, or the connection just ended.

        Raises ``UpstreamFailure`` if the answer is not whole.
        """
        ...
