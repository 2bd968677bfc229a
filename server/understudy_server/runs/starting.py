"""Runs begin: the commit that creates one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from understudy.v1 import event_pb2, message_pb2, thread_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import NotFound, StateConflict
from understudy_server.idempotency import same_request
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs import machine
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import Claim
from understudy_server.store import tables
from understudy_server.store.port import LOG_START, Append, EventId, Operation, Partition, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Head, RunSpec, RunState, VectorStoreErrand
from understudy_server.threads import attaching
from understudy_server.threads.amend import Done, Plan, amend
from understudy_server.threads.messages import puts
from understudy_server.vectors.finding import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    spec: RunSpec
    state: RunState
    first: EventId
    """The run's events come after this id."""
    claim: Claim | None
    """For the core that is to begin at once; None when another may, or when it had begun before."""
    errands: Sequence[VectorStoreErrand] = ()
    """What is to be done for the files that came with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to create, with its ids fixed before the first try."""

    spec: RunSpec
    metadata: dict[str, str]
    requested_model: str
    served_model: str
    core: str | None = None
    """Which core begins at once; None: whichever finds it due."""
    files: attaching.Attached = field(default_factory=attaching.Attached)
    """Those that its additional messages bring."""
    stores: Sequence[Found] = ()
    """The vector stores that it may search."""


async def start(
    shared: Collaborators,
    partition: Partition,
    new: NewRun,
    additional: Sequence[message_pb2.Message],
) -> Started:
    """Takes the thread for a new run and adds its messages, in one commit.

    Raises ``NotFound``, ``StateConflict`` while another run is active, ``IdempotencyMismatch``.
    """
    store = shared.store
    run_id = new.spec.run.id
    thread_id = tables.thread_of(partition)

    async def decide(head: Row[Head] | None) -> Plan[Started] | Done[Started]:
        if head is None or not heads.exists(head.body):
            raise NotFound(f"No thread found with id '{thread_id}'.")
        before = await started_before(store, partition, run_id, new.spec.fingerprint)
        if before is not None:
            return Done(before)
        if head.body.active_run:
            active = head.body.active_run
            raise StateConflict(f"Thread {thread_id} already has an active run {active}.")
        now = store.now()
        first = heads.next_order(head.body, now)
        last = first + len(additional)
        taken = heads.taken(
            head.body,
            run_id=run_id,
            core=new.core,
            now=now,
            last_order=last,
            lease=shared.lease,
        )
        operations, started = begin(partition, new, attempt=taken.head.attempt, order=last, now=now)
        attached = await attaching.to_thread(store, partition, new.files, owner=run_id)
        added = [*puts(additional, first), *attached.operations]
        return Plan(
            [taken.put(head.version), *operations, *added],
            replace(started, errands=attached.errands),
        )

    return await amend(store, shared.clock, partition, decide)


def begin(
    partition: Partition,
    new: NewRun,
    *,
    attempt: int,
    order: int,
    now: int,
    thread: thread_pb2.Thread | None = None,
) -> tuple[list[Operation], Started]:
    """The operations that make a run; the caller's commit also puts the head that takes the thread."""
    run_id = new.spec.run.id
    assistant_id = new.spec.run.assistant_id
    created = machine.created(now // SECOND)
    created.metadata.update(new.metadata)
    state = RunState(
        run=created, requested_model=new.requested_model, served_model=new.served_model
    )
    events: list[event_pb2.RunEvent] = [ev.run_created(created), ev.run_changed(created)]
    if thread is not None:
        events.insert(0, ev.thread_created(thread))
    first = EventId(attempt, 0)
    numbered = ev.number(events, first)
    operations: list[Operation] = [
        tables.specs.put(run_id, new.spec, expected=None, order=order),
        tables.runs.put(
            run_id,
            state,
            expected=None,
            order=order,
            labels=tables.run_labels(state, assistant_id),
        ),
        Append(log=run_id, entries=(ev.entry(numbered),)),
    ]
    claim = Claim(
        partition=partition,
        run_id=run_id,
        attempt=attempt,
        n=len(numbered),
        assistant_id=assistant_id,
    )
    started = Started(spec=new.spec, state=state, first=first, claim=claim if new.core else None)
    return operations, started


async def started_before(
    store: Store, partition: Partition, run_id: str, fingerprint: bytes
) -> Started | None:
    """The request came again: the run is there, and its stream begins at its beginning.

    Raises ``IdempotencyMismatch`` when it is not the same request, ``NotFound`` when its thread is being purged.
    """
    spec = await tables.specs.get(store, partition, run_id, fresh=True)
    if spec is None:
        return None
    same_request(spec.body.fingerprint, fingerprint)
    state = await tables.runs.get(store, partition, run_id, fresh=True)
    if state is None:
        # They were put in one commit: only a purge takes one away before the other is read.
        raise NotFound(f"No thread found with id '{tables.thread_of(partition)}'.")
    return Started(spec=spec.body, state=state.body, first=LOG_START, claim=None)
