"""Cancel, and the end of runs that nobody holds."""

from __future__ import annotations

from understudy.v1 import run_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import NotFound, StateConflict
from understudy_server.runs import ending, machine
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import put_state
from understudy_server.store import tables
from understudy_server.store.port import Append, Check, EventId, Operation, Partition
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import Head, RunState
from understudy_server.threads.amend import Done, Plan, amend


async def cancel(
    shared: Collaborators, partition: Partition, run_id: str, *, repeated: bool = False
) -> run_pb2.Run:
    """Asks a run to stop, or ends it when nobody holds it. Returns its state afterwards.

    ``repeated``: the same call may have been made before, so that a cancelled run is its success.

    Raises ``NotFound``, and ``StateConflict`` when the run has ended.
    """
    store = shared.store
    spec = await tables.specs.get(store, partition, run_id, fresh=True)
    if spec is None:
        raise NotFound(f"No run found with id '{run_id}'.")
    assistant_id = spec.body.run.assistant_id
    tried = repeated

    async def decide(head: Row[Head] | None) -> Plan[run_pb2.Run] | Done[run_pb2.Run]:
        nonlocal tried
        if head is None or not heads.exists(head.body):
            raise NotFound(f"No thread found with id '{tables.thread_of(partition)}'.")
        row = await tables.runs.get(store, partition, run_id, fresh=True)
        if row is None:
            raise NotFound(f"No run found with id '{run_id}'.")
        state = row.body
        if tried and state.run.status == machine.CANCELLED:
            # Our own wish, perhaps: its answer was lost, and the holder has obeyed meanwhile.
            return Done(state.run)
        if state.run.status in machine.TERMINAL:
            word = run_pb2.RunStatus.Name(state.run.status).removeprefix("RUN_STATUS_").lower()
            raise StateConflict(f"Cannot cancel run with status '{word}'.")
        if state.cancel_requested:
            return Done(state.run)
        tried = True
        if head.body.active_run == run_id and not head.body.holder:
            return await end_unheld(shared, partition, head, row, assistant_id, machine.Cancel())
        now = store.now()
        after = RunState()
        after.CopyFrom(state)
        after.cancel_requested = True
        cancelling = machine.apply(state.run, machine.RequestCancel(), now=now // SECOND)
        after.run.CopyFrom(cancelling)
        # The holder must still be there when the wish is written, so head is checked, not put.
        check = Check(kind=tables.heads.kind, id=HEAD_ID, expected=head.version)
        return Plan([put_state(row, after, assistant_id, now), check], after.run)

    run = await amend(store, shared.clock, partition, decide)
    shared.slots.ended(spec.body.budget, run_id)
    return run


async def end_unheld(
    shared: Collaborators,
    partition: Partition,
    head: Row[Head],
    row: Row[RunState],
    assistant_id: str,
    input: machine.Input,
) -> Plan[run_pb2.Run]:
    """Claims a run that nobody holds and ends it, in one commit."""
    store = shared.store
    left = await ending.remains(store, partition, row.id)
    now = store.now()
    order = heads.next_order(head.body, now)
    seconds = now // SECOND
    closing = ending.close(left, row.id, input, now=seconds, order=order)
    after, events = ending.finish(row.body, closing, input, now=seconds)
    unlocked = heads.unlocked(head.body, last_order=order, bump=True)
    numbered = ev.number(events, EventId(unlocked.head.attempt, 0))
    after.terminal_event = numbered[-1].id
    operations: list[Operation] = [
        unlocked.put(head.version),
        *closing.operations,
        put_state(row, after, assistant_id, now),
        Append(log=row.id, entries=(ev.entry(numbered),)),
    ]
    return Plan(operations, after.run)
