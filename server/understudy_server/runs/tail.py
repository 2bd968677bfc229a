"""Reading a run's events as they come: from the feed of a local worker, and from the log.

Rules that make every reader see each durable event once and in order:

* subscribe first, then read the log, then wait;
* a live event ``(a, n)`` is sent directly only if the last one sent was ``(a, n-1)``; otherwise the log is read
  until it has caught up;
* what is not greater than the last id sent is dropped, so a stale worker in this process is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing

from understudy.v1 import event_pb2
from understudy_server.clock import Clock
from understudy_server.errors import NotFound
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs import machine
from understudy_server.runs.live import Live, Subscription
from understudy_server.store import tables
from understudy_server.store.port import EventId, Partition, Store
from understudy_server.store.tables import HEAD_ID
from understudy_server.store.v1.records_pb2 import RunSpec, RunState

POLL = 2.0
"""Seconds between looks at the log when no wake-up comes."""

LAG = 0.02
"""Seconds to wait for a log that does not yet show what its worker has shown."""

LARGEST_BATCH = 256 * 1024
"""Bytes of several events in one message: clients take 4 MB unless told otherwise, and a log may hold more."""

_PAGE = 200


class Tail:
    """One reader of one run."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        live: Live,
        partition: Partition,
        spec: RunSpec,
        after: EventId,
        joining: bool = False,
    ) -> None:
        """``joining``: a request for action that has been answered since does not end the stream."""
        self._store = store
        self._clock = clock
        self._live = live
        self._partition = partition
        self._run_id = spec.run.id
        self._spec = spec.run
        self._last = after
        self._joining = joining

    async def batches(self) -> AsyncGenerator[event_pb2.RunEventBatch, None]:
        """Everything after the given id, in batches of what is ready, until the stream ends.

        It ends with the event that ends the run, or with the first that asks for action; for a reader that
        joins, only with a request for action that still stands. Raises ``NotFound`` when the thread is
        deleted meanwhile.
        """
        async with aclosing(self._events()) as pieces:
            async for piece in pieces:
                events = piece if self._joining else _to_end(piece)
                self._last = ev.event_id(events[-1])
                for batch in batched([ev.present(event, self._spec) for event in events]):
                    yield batch
                if self._ends(events[-1]):
                    return

    def _ends(self, event: event_pb2.RunEvent) -> bool:
        if self._joining and event.HasField("run_requires_action"):
            # Whether it still stands is seen when the log has nothing more.
            return False
        return ev.ends_stream(event)

    async def _events(self) -> AsyncGenerator[Sequence[event_pb2.RunEvent], None]:
        """Events after ``_last``, never none at a time; the caller moves ``_last`` before the next ones."""
        with self._store.watch(self._partition) as watch:
            while True:
                subscription = self._live.subscribe(self._run_id)
                if subscription is not None:
                    async with aclosing(self._follow(subscription)) as pieces:
                        async for piece in pieces:
                            yield piece
                    continue
                logged, _ = await self._read_log()
                if logged:
                    yield logged
                    continue
                state = await self._state()
                # What had happened by then is in the log; there may be more, and more to come.
                logged, _ = await self._read_log()
                if logged:
                    yield logged
                    continue
                rest = self._rest(state)
                if rest is not None:
                    if rest:
                        yield rest
                    return
                await watch.wait(POLL)

    async def _follow(
        self, subscription: Subscription
    ) -> AsyncGenerator[Sequence[event_pb2.RunEvent], None]:
        """The feed of a local worker, until it ends; the log fills every gap."""
        nudging = asyncio.create_task(self._nudge(subscription))
        try:
            with subscription:
                behind = True
                pending: list[event_pb2.RunEvent] = []
                while True:
                    ended = subscription.ended
                    taken = [*pending, *subscription.take()]
                    pending = [event for event in taken if ev.event_id(event) > self._last]
                    if pending and self._continues(pending[0]):
                        yield pending
                        behind = False
                    elif pending or behind or subscription.nudged:
                        subscription.nudged = False
                        logged, behind = await self._read_log()
                        if logged:
                            yield logged
                        elif pending and ended:
                            # Its log is dropped already; the records tell the end.
                            return
                        elif pending:
                            await self._clock.sleep(LAG)
                    elif ended:
                        return
                    else:
                        await subscription.wait_ready()
        finally:
            nudging.cancel()

    async def _nudge(self, subscription: Subscription) -> None:
        """Another core may have taken the run over; then the log knows more than this feed."""
        while True:
            await self._clock.sleep(POLL)
            subscription.nudge()

    def _continues(self, event: event_pb2.RunEvent) -> bool:
        return ev.event_id(event) == EventId(self._last.attempt, self._last.n + 1)

    async def _read_log(self) -> tuple[list[event_pb2.RunEvent], bool]:
        """The next logged events, and whether there may be more behind them."""
        entries = await self._store.read(self._partition, self._run_id, self._last, _PAGE)
        events = [e for e in ev.events_of(entries) if ev.event_id(e) > self._last]
        return events, len(entries) == _PAGE

    async def _state(self) -> RunState:
        """Raises ``NotFound``."""
        head = await tables.heads.get(self._store, self._partition, HEAD_ID, fresh=True)
        if head is None or not heads.exists(head.body):
            raise NotFound(f"No thread found with id '{tables.thread_of(self._partition)}'.")
        row = await tables.runs.get(self._store, self._partition, self._run_id, fresh=True)
        if row is None:
            raise NotFound(f"No run found with id '{self._run_id}'.")
        return row.body

    def _rest(self, state: RunState) -> Sequence[event_pb2.RunEvent] | None:
        """For a reader who has seen all that was logged until ``state``: None to wait on, else what ends the stream.

        A run that waits for action ends a stream that has caught up, and so does a run whose log is dropped.
        """
        if state.run.status == machine.REQUIRES_ACTION:
            return []
        if state.run.status not in machine.TERMINAL:
            return None
        return self._terminal(state)

    def _terminal(self, state: RunState) -> Sequence[event_pb2.RunEvent] | None:
        if ev.parse_event_id(state.terminal_event) <= self._last:
            return []
        if not state.log_dropped:
            # The end is on its way to where this core reads.
            return None
        event = ev.run_changed(state.run)
        event.id = state.terminal_event
        return [event]


def batched(
    events: Iterable[event_pb2.RunEvent], largest: int = LARGEST_BATCH
) -> Iterator[event_pb2.RunEventBatch]:
    """The events in their order, in messages of about ``largest`` bytes; one event may be larger."""
    batch, size = event_pb2.RunEventBatch(), 0
    for event in events:
        more = event.ByteSize()
        if batch.events and size + more > largest:
            yield batch
            batch, size = event_pb2.RunEventBatch(), 0
        batch.events.append(event)
        size += more
    if batch.events:
        yield batch


def _to_end(events: Sequence[event_pb2.RunEvent]) -> Sequence[event_pb2.RunEvent]:
    """Up to the first event that ends a stream."""
    for index, event in enumerate(events):
        if ev.ends_stream(event):
            return events[: index + 1]
    return events
