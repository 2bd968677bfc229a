"""Tool outputs that the application submits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from understudy.v1 import run_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import InvalidRequest, NotFound, StateConflict
from understudy_server.runs import ending, machine, transcript
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import Claim, put_state
from understudy_server.runs.tool_calls import MAX_STEP_BYTES
from understudy_server.store import tables
from understudy_server.store.port import (
    LOG_START,
    Append,
    EventId,
    Operation,
    Partition,
    Store,
)
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Head, RunSpec, RunState, StepRecord
from understudy_server.threads.amend import Done, Plan, amend


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    state: run_pb2.Run
    after: EventId
    """The events that follow the submission come after this one."""
    claim: Claim | None
    """For the core that is to go on at once; None when another may."""


async def submit(
    shared: Collaborators,
    partition: Partition,
    spec: RunSpec,
    outputs: Sequence[run_pb2.ToolOutput],
    core: str | None,
) -> Submitted:
    """Gives a waiting run its outputs; the same ones a second time change nothing.

    Raises ``NotFound``, ``StateConflict`` (it does not wait, or for other calls), ``InvalidRequest`` (too large).
    """
    store = shared.store
    run_id = spec.run.id
    given = {output.tool_call_id: output.output for output in outputs}

    async def decide(head: Row[Head] | None) -> Plan[Submitted] | Done[Submitted]:
        if head is None or not heads.exists(head.body):
            raise NotFound(f"No thread found with id '{tables.thread_of(partition)}'.")
        row = await tables.runs.get(store, partition, run_id, fresh=True)
        if row is None:
            raise NotFound(f"No run found with id '{run_id}'.")
        steps = await ending.read_steps(store, partition, run_id)
        answered = _answered_step(steps, given)
        if answered is not None:
            after = await _before_answer(store, partition, run_id, answered.id)
            return Done(Submitted(state=row.body.run, after=after, claim=None))
        if row.body.run.status != machine.REQUIRES_ACTION:
            word = run_pb2.RunStatus.Name(row.body.run.status)
            word = word.removeprefix("RUN_STATUS_").lower()
            raise StateConflict(f'Runs in status "{word}" do not accept tool outputs.')
        step = _waiting_step(steps)
        if step is None:
            # A run that waits has a step that waits: it was purged since the run was read.
            raise NotFound(f"No thread found with id '{tables.thread_of(partition)}'.")
        check_ids(row.body.run.required_action, outputs)
        now = store.now()
        if now // SECOND >= row.body.run.expires_at:
            raise StateConflict('Runs in status "expired" do not accept tool outputs.')
        return _plan(partition, spec, head, row, step, given, core, now, shared.lease)

    return await amend(store, shared.clock, partition, decide)


def _plan(
    partition: Partition,
    spec: RunSpec,
    head: Row[Head],
    row: Row[RunState],
    step: Row[StepRecord],
    given: Mapping[str, str],
    core: str | None,
    now: int,
    lease: int,
) -> Plan[Submitted]:
    seconds = now // SECOND
    run_id = spec.run.id
    record = StepRecord()
    record.CopyFrom(step.body)
    ended = transcript.end_step(record.step, transcript.STEP_COMPLETED, seconds)
    for call in ended.step_details.tool_calls.tool_calls:
        if not call.function.HasField("output"):
            call.function.output = given[call.id]
    ended.usage.CopyFrom(record.usage)
    record.step.CopyFrom(ended)
    _check_size(record)
    after = RunState()
    after.CopyFrom(row.body)
    after.run.CopyFrom(machine.apply(row.body.run, machine.Submit(), now=seconds))
    order = heads.next_order(head.body, now)
    taken = heads.taken(head.body, run_id=run_id, core=core, now=now, last_order=order, lease=lease)
    start = EventId(taken.head.attempt, 0)
    events = ev.number([ev.step_changed(ended), ev.run_changed(after.run)], start)
    operations: list[Operation] = [
        taken.put(head.version),
        put_state(row, after, spec.run.assistant_id, now),
        tables.steps(run_id).replace(step, record),
        Append(log=run_id, entries=(ev.entry(events),)),
    ]
    claim = Claim(
        partition=partition,
        run_id=run_id,
        attempt=taken.head.attempt,
        n=len(events),
        assistant_id=spec.run.assistant_id,
    )
    submitted = Submitted(state=after.run, after=start, claim=claim if core else None)
    return Plan(operations, submitted)


async def _before_answer(store: Store, partition: Partition, run_id: str, step_id: str) -> EventId:
    """The place in the run's events from where a repeated submission reads on."""
    last = LOG_START
    for event in await ending.read_log(store, partition, run_id):
        if event.WhichOneof("event") == "step_completed" and event.step_completed.id == step_id:
            break
        last = ev.event_id(event)
    return last


def _check_size(record: StepRecord) -> None:
    """The step is stored twice in one commit: as a record, and in the event that ends it."""
    size = record.ByteSize()
    if size > MAX_STEP_BYTES:
        raise InvalidRequest(
            f"Invalid 'tool_outputs': too large. The calls and their outputs take {size} bytes "
            f"together; at most {MAX_STEP_BYTES} are allowed.",
            reason="STRING_ABOVE_MAX_LENGTH",
            param="tool_outputs",
        )


def check_ids(action: run_pb2.RequiredAction, outputs: Sequence[run_pb2.ToolOutput]) -> None:
    """All pending calls and nothing else, each once; else OpenAI's words."""
    expected = [call.id for call in action.submit_tool_outputs.tool_calls]
    got = [output.tool_call_id for output in outputs]
    if sorted(expected) != sorted(got):
        raise StateConflict(f"Expected tool outputs for call_ids {expected}, got {got}")


def _waiting_step(steps: Sequence[Row[StepRecord]]) -> Row[StepRecord] | None:
    """The step whose calls wait; it is the newest of its kind."""
    for row in reversed(steps):
        if row.body.step.step_details.HasField("tool_calls"):
            return row
    return None


def _answered_step(
    steps: Sequence[Row[StepRecord]], given: Mapping[str, str]
) -> Row[StepRecord] | None:
    """A step whose calls to the application already have exactly these outputs.

    It may have more calls, which this server answered itself.
    """
    for row in steps:
        if row.body.step.status != transcript.STEP_COMPLETED:
            continue
        calls = row.body.step.step_details.tool_calls.tool_calls
        known = {call.id: call.function.output for call in calls}
        if given and all(known.get(id) == output for id, output in given.items()):
            return row
    return None
