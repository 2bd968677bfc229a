"""A run's events as one sequence, though the core that sends them may go away in the middle.

The reader then asks for the events after the last one that it saw, on whichever core the channel
reaches. As long as it does not know the run, it makes its first call again where that is safe, and drops
what it has seen. It does so only where nothing can be lost or shown twice: not after an event that closes
the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc

from understudy.v1 import event_pb2, message_pb2, run_pb2, run_step_pb2
from understudy_edge.patience import LOST, Patience
from understudy_edge.told import hear

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    EventCall = grpc.aio.UnaryStreamCall[Any, event_pb2.RunEventBatch]
    BeginCall = Callable[[int], EventCall]
    OpenCall = Callable[[run_pb2.StreamRunEventsRequest], EventCall]
    Reached = Callable[[Patience], Awaitable[None]]

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
    """One stream, read to its end and past the death of its core."""

    def __init__(
        self,
        begin: BeginCall,
        *,
        position: Position,
        repeatable: bool,
        reopen: OpenCall,
        reached: Reached,
        acceptance: Patience,
        patience: Patience,
    ) -> None:
        """``begin`` makes the call, given how often it was made before; more than once if ``repeatable``.

        ``reached`` returns when there is a core to call. ``acceptance`` is the patience until the call is
        accepted, ``patience`` that without any event from then on.
        """
        self._begin = begin
        self._position = position
        self._repeatable = repeatable
        self._reopen = reopen
        self._reached = reached
        self._acceptance = acceptance
        self._patience = patience
        self._call: EventCall | None = None
        self._begun = 0
        self._ahead: list[object] = []
        # A stream that joins a run passes requests for action that have been answered; others end there.
        self._joins = position.after is not None
        self._reopened = False

    async def wait_accepted(self) -> None:
        """Return when a core has accepted the call. Raises ``AioRpcError`` if it is refused."""
        await self._reached(self._acceptance)
        while True:
            call = self._start()
            try:
                hear(await call.initial_metadata())
                # A refusal comes without initial metadata of its own: the call is over by now.
                if call.done():
                    self._ahead.append(await call.read())
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST or not self._repeatable:
                    raise
                await self._acceptance.wait(error)
                await self._reached(self._acceptance)
            else:
                return

    async def read(self) -> event_pb2.RunEventBatch | None:
        """The next batch, or None at the end. Raises ``AioRpcError`` when the sequence is broken."""
        while True:
            if self._reopened and self._position.closed and not self._joins:
                return None
            call = self._call or self._start()
            try:
                batch = self._ahead.pop() if self._ahead else await call.read()
            except grpc.aio.AioRpcError as error:
                if self._position.closed:
                    return None
                await self._recover(error)
                continue
            if not isinstance(batch, event_pb2.RunEventBatch):
                return None
            self._patience.renew()
            if self._begun > 1:
                batch = _after(batch, self._position.after)
            if batch.events:
                self._position.advance(batch)
                return batch

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    def _start(self) -> EventCall:
        self._call = self._begin(self._begun)
        self._begun += 1
        return self._call

    async def _recover(self, error: grpc.aio.AioRpcError) -> None:
        request = self._position.next_request()
        if error.code() not in LOST or (request is None and not self._repeatable):
            raise error
        await self._patience.wait(error)
        await self._reached(self._patience)
        if request is None:
            self._start()
        else:
            self._call = self._reopen(request)
            self._reopened = True


def _after(batch: event_pb2.RunEventBatch, last: str | None) -> event_pb2.RunEventBatch:
    """Without the events that the reader has seen."""
    if not last:
        return batch
    seen = _number(last)
    return event_pb2.RunEventBatch(events=[e for e in batch.events if _number(e.id) > seen])


def _number(id: str) -> tuple[int, int]:
    attempt, _, n = id.partition("-")
    return int(attempt), int(n)
