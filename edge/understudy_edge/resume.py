"""A run's events as one sequence, though the core that sends them may go away in the middle.

The reader then asks for the events after the last one that it saw, on whichever core the channel
reaches. It does so only where nothing can be lost or shown twice: when it knows the run and its own
place in it, and has not just seen an event that closes the stream.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc

from understudy.v1 import event_pb2, message_pb2, run_pb2, run_step_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    EventCall = grpc.aio.UnaryStreamCall[Any, event_pb2.RunEventBatch]
    OpenCall = Callable[[run_pb2.StreamRunEventsRequest], EventCall]

_CLOSING: Final = frozenset(
    {
        "run_requires_action",
        "run_completed",
        "run_incomplete",
        "run_failed",
        "run_cancelled",
        "run_expired",
    }
)
_LOST: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
_FIRST_DELAY: Final = 0.05
_LONGEST_DELAY: Final = 2.0


@dataclass(slots=True)
class Position:
    """How far a reader has come in which run."""

    thread_id: str = ""
    run_id: str = ""
    after: str | None = None
    """The id of the last event; empty: before the first; None: it has no place to resume from."""
    closed: bool = False
    """Whether the last event was one that may end the stream."""

    def advance(self, batch: event_pb2.RunEventBatch) -> None:
        for event in batch.events:
            branch = event.WhichOneof("event")
            if not self.run_id and branch is not None:
                self._identify(getattr(event, branch))
            self.closed = branch in _CLOSING
            self.after = event.id

    def _identify(self, payload: Message) -> None:
        if isinstance(payload, run_pb2.Run):
            self.thread_id, self.run_id = payload.thread_id, payload.id
        elif isinstance(payload, run_step_pb2.RunStep | message_pb2.Message):
            self.thread_id, self.run_id = payload.thread_id, payload.run_id

    def next_request(self) -> run_pb2.StreamRunEventsRequest | None:
        """What to ask another core for; None when the sequence cannot be continued."""
        if not self.run_id or self.after is None or self.closed:
            return None
        return run_pb2.StreamRunEventsRequest(
            thread_id=self.thread_id, run_id=self.run_id, after=self.after
        )


class RunEvents:
    """Reads an accepted call to its end, and past the death of its core."""

    def __init__(
        self,
        call: EventCall,
        *,
        position: Position,
        reopen: OpenCall,
        patience: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``patience``: seconds without any event after which a lost stream is given up."""
        self._call = call
        self._position = position
        self._reopen = reopen
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._lost_at: float | None = None
        self._delay = _FIRST_DELAY
        self._ahead: list[object] = []
        # A stream that joins a run passes requests for action that have been answered; others end there.
        self._joins = position.after is not None
        self._reopened = False

    async def wait_accepted(self) -> None:
        """Return when the core has accepted the call. Raises ``AioRpcError`` if it refuses it."""
        await self._call.initial_metadata()
        # A refusal comes without initial metadata of its own: the call is over by now.
        if self._call.done():
            self._ahead.append(await self._call.read())

    async def read(self) -> event_pb2.RunEventBatch | None:
        """The next batch, or None at the end. Raises ``AioRpcError`` when the sequence is broken."""
        while True:
            if self._reopened and self._position.closed and not self._joins:
                return None
            try:
                batch = self._ahead.pop() if self._ahead else await self._call.read()
            except grpc.aio.AioRpcError as error:
                if self._position.closed:
                    return None
                await self._recover(error)
                continue
            if not isinstance(batch, event_pb2.RunEventBatch):
                return None
            self._position.advance(batch)
            self._lost_at, self._delay = None, _FIRST_DELAY
            return batch

    def cancel(self) -> None:
        self._call.cancel()

    async def _recover(self, error: grpc.aio.AioRpcError) -> None:
        request = self._position.next_request()
        if error.code() not in _LOST or request is None:
            raise error
        if self._lost_at is None:
            self._lost_at = self._now()
        elif self._now() - self._lost_at >= self._patience:
            raise error
        await self._sleep(self._delay)
        self._delay = min(2 * self._delay, _LONGEST_DELAY)
        self._call = self._reopen(request)
        self._reopened = True
