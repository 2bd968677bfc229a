"""What is due: runs to claim, to expire or to give up, logs to drop, deleted threads to purge.

Each function makes at most one commit; a conflict means that somebody else was quicker, and is left to the
caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from understudy.v1 import message_pb2
from understudy_server.clock import SECOND
from understudy_server.runs import ending, machine, stopping, transcript
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import Claim
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import (
    Append,
    DropLog,
    EventId,
    Operation,
    Partition,
    Record,
)
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Head, RunSpec, RunState, StepRecord
from understudy_server.threads import purge

TOO_MANY_DEATHS = "The servers that worked on this run went away, one after the other."


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    changed: bool = True
    """Whether a commit was made; a record that nothing can be done about now stays due."""
    claim: Claim | None = None
    """Of a run that this core now holds."""


_NOTHING = Attended(changed=False)


async def attend(shared: Collaborators, record: Record, core: str | None) -> Attended:
    """Does what a due record asks for. ``core`` is who has room to run something, if anybody.

    Raises ``Conflict`` and other ``StoreError``s.
    """
    if record.kind == tables.runs.kind:
        await _drop_log(shared, tables.runs.parse(record))
        return Attended()
    head = tables.heads.parse(record)
    if head.body.tombstone or head.body.staged:
        await _count(shared, head, head.body.active_run)
        await purge.purge(
            shared.store, shared.clock, head, leaving=partial(_count_ended, shared, head)
        )
        return Attended()
    return await _run(shared, head, core)


async def _count_ended(shared: Collaborators, head: Row[Head], records: Sequence[Record]) -> None:
    """What ended with the thread's runs: whoever ended one may not have counted it yet."""
    if not head.body.tombstone:
        return
    specs = [tables.specs.parse(each) for each in records if each.kind == tables.specs.kind]
    for spec in specs:
        await _count_spec(shared, spec)
    states = {each.id for each in records if each.kind == tables.runs.kind}
    # A chunk may end between a run's two records.
    for run_id in sorted(states - {spec.id for spec in specs}):
        await _count(shared, head, run_id)


async def _count(shared: Collaborators, head: Row[Head], run_id: str) -> None:
    """What a run of a deleted thread has used is known only as long as its records are there."""
    if head.body.tombstone and run_id:
        spec = await tables.specs.get(shared.store, head.record.partition, run_id, fresh=True)
        if spec is not None:
            await _count_spec(shared, spec)


async def _count_spec(shared: Collaborators, spec: Row[RunSpec]) -> None:
    if spec.body.budget:
        await shared.slots.count(spec.body.budget, spec.id)


async def _run(shared: Collaborators, head: Row[Head], core: str | None) -> Attended:
    partition = head.record.partition
    run_id = head.body.active_run
    spec = await tables.specs.get(shared.store, partition, run_id, fresh=True)
    row = await tables.runs.get(shared.store, partition, run_id, fresh=True)
    if spec is None or row is None or row.body.run.status in machine.TERMINAL:
        # The index may lag behind the records.
        return _NOTHING
    assistant_id = spec.body.run.assistant_id
    end: machine.Input | None = None
    if not head.body.holder and _seconds(shared) >= row.body.run.expires_at:
        end = machine.Expire()
    elif row.body.run.status == machine.REQUIRES_ACTION:
        return _NOTHING
    elif head.body.holder and head.body.takeovers >= heads.MAX_TAKEOVERS:
        end = machine.Fail(error=ending.server_error(TOO_MANY_DEATHS))
    if end is not None:
        if row.body.cancel_requested:
            end = machine.Cancel()
        plan = await stopping.end_unheld(shared, partition, head, row, assistant_id, end)
        await _commit(shared, partition, plan.operations)
        shared.slots.ended(spec.body.budget, run_id)
        return Attended()
    if core is None:
        return _NOTHING
    return Attended(claim=await _claim(shared, head, run_id, assistant_id, core))


async def _claim(
    shared: Collaborators, head: Row[Head], run_id: str, assistant_id: str, core: str
) -> Claim:
    """Takes the run, and closes in the same commit what its dead holder had shown as open."""
    partition = head.record.partition
    left = await ending.remains(shared.store, partition, run_id)
    now = shared.store.now()
    claimed = heads.claimed(head.body, core=core, now=now, lease=shared.lease)
    events = []
    operations: list[Operation] = [claimed.put(head.version)]
    seconds = now // SECOND
    if left.message is not None:
        reason = message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_FAILED
        abandoned = transcript.end_message(left.message, reason, seconds)
        events.append(ev.message_changed(abandoned))
    for row in reversed(left.steps):
        if _has_calls(row.body):
            continue
        record = StepRecord()
        record.CopyFrom(row.body)
        failed = transcript.end_step(record.step, transcript.STEP_FAILED, seconds)
        record.step.CopyFrom(failed)
        events.append(ev.step_changed(failed))
        operations.append(tables.steps(run_id).replace(row, record))
    if events:
        ev.number(events, EventId(claimed.head.attempt, 0))
        operations.append(Append(log=run_id, entries=(ev.entry(events),)))
    await _commit(shared, partition, operations)
    return Claim(
        partition=partition,
        run_id=run_id,
        attempt=claimed.head.attempt,
        n=len(events),
        assistant_id=assistant_id,
    )


def _has_calls(record: StepRecord) -> bool:
    """Whether the model had finished its calls: such a step is kept, and its calls go on."""
    return bool(record.step.step_details.tool_calls.tool_calls)


async def _drop_log(shared: Collaborators, row: Row[RunState]) -> None:
    after = RunState()
    after.CopyFrom(row.body)
    after.log_dropped = True
    spec = await tables.specs.get(shared.store, row.record.partition, row.id, fresh=True)
    assistant_id = spec.body.run.assistant_id if spec is not None else ""
    put = tables.runs.put(
        row.id,
        after,
        expected=row.version,
        order=row.order,
        labels=tables.run_labels(after, assistant_id),
    )
    await _commit(shared, row.record.partition, [put, DropLog(log=row.id)])


async def _commit(
    shared: Collaborators, partition: Partition, operations: Sequence[Operation]
) -> None:
    await commit_new(shared.store, partition, operations, shared.clock)


def _seconds(shared: Collaborators) -> int:
    return shared.store.now() // SECOND
