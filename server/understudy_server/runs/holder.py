"""The one writer of a run: every commit of the core that holds it goes through here, one at a time.

Each commit puts the thread's head (renewing the lease), so that a holder that has lost the run changes
nothing. Text deltas are shown at once and logged in the background; everything else is shown only after
its commit. A commit is repeated for as long as the store stays away: the fence makes that safe.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from understudy.v1 import event_pb2
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs import machine
from understudy_server.runs.live import Feed
from understudy_server.store import tables
from understudy_server.store.commits import settle
from understudy_server.store.port import (
    Append,
    Commit,
    EventId,
    Operation,
    Partition,
    Put,
    Store,
    Version,
)
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import Head, RunState


class Lost(Exception):
    """The fence: this core no longer holds the run. It stops, without another word."""


class CancelRequested(Exception):
    """Somebody has asked the run to stop; that beats every other end."""


Then: TypeAlias = Literal["hold", "wait", "hand over", "unlock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a run's protocol: all of it in one commit."""

    events: Sequence[event_pb2.RunEvent] = ()
    operations: Sequence[Operation] = ()
    state: RunState | None = None
    then: Then = "hold"


Decide: TypeAlias = Callable[[RunState, int], Change]
"""From the present state and the order of the commit to what to change. Called again after a conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker starts from: the run as its claiming commit left it."""

    partition: Partition
    run_id: str
    attempt: int
    n: int
    """The last number that the claiming commit gave to an event."""
    assistant_id: str


_OWN = (tables.heads.kind, tables.runs.kind)

MAX_BACKLOG = 64_000
"""Bytes of shown events that one commit takes along; what is more is logged before it."""


class Holder:
    """Holds one run, from a claim to its end. Not for two tasks at once, but for ``flush``."""

    def __init__(
        self, *, store: Store, clock: Clock, claim: Claim, feed: Feed, lease: int = heads.LEASE
    ) -> None:
        self._store = store
        self._clock = clock
        self._claim = claim
        self._feed = feed
        self._lease = lease
        self._n = claim.n
        self._unlogged: list[event_pb2.RunEvent] = []
        self._backlog = 0
        self._released = False
        self._writing = asyncio.Lock()
        self._head: Row[Head] | None = None
        self._state: Row[RunState] | None = None
        self._last_commit = clock.monotonic()

    @property
    def state(self) -> RunState:
        """As last read or written; the caller must not change it."""
        return self._row().body

    @property
    def shown(self) -> Sequence[event_pb2.RunEvent]:
        """The events that were shown and are not yet in the log."""
        return self._unlogged

    @property
    def beat_in(self) -> float:
        """Seconds until the lease is to be renewed; negative when that is overdue."""
        beat = self._lease / SECOND / heads.BEATS
        return self._last_commit + beat - self._clock.monotonic()

    @property
    def crowded(self) -> bool:
        """Whether more is shown than logged by so much that showing should wait for logging."""
        return self._backlog > MAX_BACKLOG

    async def load(self) -> None:
        """Reads head and state; raises ``Lost`` if the run is not this claim's."""
        row = await tables.heads.get(self._store, self._claim.partition, HEAD_ID, fresh=True)
        if row is None or heads.fenced(
            row.body, run_id=self._claim.run_id, attempt=self._claim.attempt
        ):
            raise Lost
        self._head = row
        await self._load_state()

    async def refresh(self) -> None:
        """Reads head and state again; raises ``Lost``, or ``CancelRequested`` when somebody has asked."""
        async with self._writing:
            if self._released:
                raise Lost
            await self.load()
        if self.state.cancel_requested:
            raise CancelRequested

    def show(self, event: event_pb2.RunEvent) -> None:
        """Shows a delta at once; it is logged with the next commit."""
        ev.number([event], EventId(self._claim.attempt, self._n))
        self._n += 1
        self._unlogged.append(event)
        self._backlog += event.ByteSize()
        self._feed.show([event], logged=False)

    async def flush(self) -> None:
        """Logs what was shown and renews the lease. May run beside the worker, once at a time."""
        await self.commit(_nothing)

    async def commit(self, decide: Decide, *, despite_cancel: bool = False) -> None:
        """Makes one change durable and shows its events.

        Raises ``Lost``; ``CancelRequested`` when somebody has asked to cancel the run, unless the change is
        made ``despite_cancel``; ``StoreUnavailable`` when the present state cannot be read.
        """
        async with self._writing:
            while self.crowded:
                await self._try(_nothing, despite_cancel=despite_cancel)
            while not await self._try(decide, despite_cancel=despite_cancel):
                pass

    async def _try(self, decide: Decide, *, despite_cancel: bool) -> bool:
        if self._released:
            raise Lost
        assert self._head is not None
        now = self._store.now()
        order = heads.next_order(self._head.body, now)
        state = self._row()
        # Asked before deciding: a run that is being cancelled allows no other transition.
        if state.body.cancel_requested and not despite_cancel:
            raise CancelRequested
        change = decide(state.body, order)
        # Later deltas may be shown while this commit is under way: it takes those of now.
        logging = _that_fit(self._unlogged)
        numbered = ev.number(change.events, EventId(self._claim.attempt, self._n))
        head = self._next_head(change, now, order)
        operations: list[Operation] = [head.put(self._head.version), *change.operations]
        if change.state is not None:
            if change.then == "unlock":
                change.state.terminal_event = numbered[-1].id
            operations.append(self._put_state(state, change.state))
        if logging or numbered:
            entry = ev.entry([*logging, *numbered])
            operations.append(Append(log=self._claim.run_id, entries=(entry,)))
        commit = Commit(
            id=uuid.uuid4().hex, partition=self._claim.partition, operations=tuple(operations)
        )
        try:
            versions = await settle(self._store, commit, self._clock, patience=math.inf)
        except Conflict:
            # A conflict is not yet staleness: a metadata edit or a cancel may have come between.
            await self.load()
            return False
        self._last_commit = self._clock.monotonic()
        self._n += len(numbered)
        del self._unlogged[: len(logging)]
        self._backlog -= sum(event.ByteSize() for event in logging)
        self._feed.logged(len(logging))
        if numbered:
            self._feed.show(numbered, logged=True)
        if change.then == "hold":
            await self._remember(commit, versions)
        else:
            # What still waits to be written, a late beat for instance, must find nothing to hold.
            self._released = True
        return True

    async def _remember(self, commit: Commit, versions: Sequence[Version | None]) -> None:
        """The new versions come with the answer; only an answer that lacks one costs a read."""
        for operation, version in zip(commit.operations, versions, strict=True):
            if not isinstance(operation, Put) or operation.kind not in _OWN:
                continue
            if version is None:
                await self.load()
                return
            if operation.kind == tables.heads.kind:
                self._head = tables.heads.written(self._head, operation, version)
            else:
                self._state = tables.runs.written(self._state, operation, version)

    def _next_head(self, change: Change, now: int, order: int) -> heads.NewHead:
        assert self._head is not None
        head = self._head.body
        match change.then:
            case "hold":
                return heads.held(head, now=now, last_order=order, lease=self._lease)
            case "wait":
                assert change.state is not None
                until = change.state.run.expires_at
                return heads.waiting(head, last_order=order, until=until)
            case "hand over":
                return heads.handed_over(head, now=now, last_order=order)
            case "unlock":
                return heads.unlocked(head, last_order=order)

    def _put_state(self, row: Row[RunState], state: RunState) -> Operation:
        return put_state(row, state, self._claim.assistant_id, self._store.now())

    def _row(self) -> Row[RunState]:
        assert self._state is not None
        return self._state

    async def _load_state(self) -> None:
        row = await tables.runs.get(
            self._store, self._claim.partition, self._claim.run_id, fresh=True
        )
        if row is None or row.body.run.status in machine.TERMINAL:
            raise Lost
        self._state = row


def _nothing(_state: RunState, _order: int) -> Change:
    return Change()


def _that_fit(events: Sequence[event_pb2.RunEvent]) -> list[event_pb2.RunEvent]:
    """The first events, up to what one commit takes; at least one of them."""
    size = 0
    for index, event in enumerate(events):
        size += event.ByteSize()
        if size > MAX_BACKLOG and index:
            return list(events[:index])
    return list(events)


LOG_KEPT = 3600 * SECOND
"""How long after its end the events of a run can still be read."""


def put_state(row: Row[RunState], state: RunState, assistant_id: str, now: int) -> Operation:
    """A run that has ended is due once more: its log is dropped then."""
    ended = state.run.status in machine.TERMINAL and not state.log_dropped
    due = (row.record.due or now + LOG_KEPT) if ended else None
    return tables.runs.put(
        row.id,
        state,
        expected=row.version,
        order=row.order,
        due=due,
        labels=tables.run_labels(state, assistant_id),
    )
