"""How a run ends early: everything open is closed, the thread unlocked, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.v1 import event_pb2, message_pb2, run_pb2, run_step_pb2, usage_pb2
from understudy_server.models.port import ModelError
from understudy_server.runs import events as ev
from understudy_server.runs import machine, transcript
from understudy_server.store import tables
from understudy_server.store.port import LOG_START, Entry, EventId, Operation, Partition, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import MessageRecord, RunState, StepRecord

SORRY = "Sorry, something went wrong."
"""OpenAI's words for a failure that is nobody's business but the server's."""

_CODES: dict[str, run_pb2.RunErrorCode.ValueType] = {
    "server_error": run_pb2.RUN_ERROR_CODE_SERVER_ERROR,
    "rate_limit_exceeded": run_pb2.RUN_ERROR_CODE_RATE_LIMIT_EXCEEDED,
    "invalid_prompt": run_pb2.RUN_ERROR_CODE_INVALID_PROMPT,
}
_PAGE = 500


def server_error(message: str) -> run_pb2.RunError:
    return run_pb2.RunError(code=run_pb2.RUN_ERROR_CODE_SERVER_ERROR, message=message)


def run_error(error: ModelError) -> run_pb2.RunError:
    return run_pb2.RunError(code=_CODES[error.code], message=error.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a run has left open, and what it has used."""

    message: message_pb2.Message | None
    """The open message, with everything that was shown of it."""
    steps: Sequence[Row[StepRecord]]
    """The records of the open steps, oldest first."""
    used: usage_pb2.Usage
    """By the steps that have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What closes the remains."""

    events: list[event_pb2.RunEvent]
    operations: list[Operation]
    usage: usage_pb2.Usage
    """Of the whole run."""


async def read_log(store: Store, partition: Partition, run_id: str) -> list[event_pb2.RunEvent]:
    """All logged events of a run."""
    entries: list[Entry] = []
    after: EventId = LOG_START
    while True:
        page = await store.read(partition, run_id, after, _PAGE)
        entries.extend(page)
        if len(page) < _PAGE:
            return ev.events_of(entries)
        after = page[-1].last


async def read_steps(store: Store, partition: Partition, run_id: str) -> Sequence[Row[StepRecord]]:
    """All steps of a run, oldest first. A run's budget of turns keeps them few."""
    return await tables.steps(run_id).list(store, partition, limit=10_000)


async def remains(
    store: Store, partition: Partition, run_id: str, unlogged: Sequence[event_pb2.RunEvent] = ()
) -> Remains:
    """``unlogged``: what was shown and may not be in the log yet."""
    log = await read_log(store, partition, run_id)
    end = ev.event_id(log[-1]) if log else LOG_START
    # They may have been logged since the caller looked; each one counts once.
    left = transcript.fold([*log, *(event for event in unlogged if ev.event_id(event) > end)])
    open_ids = {step.id for step in left.steps}
    rows = await read_steps(store, partition, run_id)
    used = machine.total_usage(
        row.body.step.usage
        for row in rows
        if row.id not in open_ids and row.body.step.HasField("usage")
    )
    steps = [row for row in rows if row.id in open_ids]
    return Remains(message=left.message, steps=steps, used=used)


def close(
    left: Remains,
    run_id: str,
    input: machine.Input,
    *,
    now: int,
    order: int,
    usage: usage_pb2.Usage | None = None,
) -> Closing:
    """Closes everything open as ``input`` demands. ``usage`` is that of the newest step's model call."""
    reason, status, error = _MANNERS[type(input)]
    if isinstance(input, machine.Stop) and input.reason is None:
        reason = message_pb2.MESSAGE_INCOMPLETE_REASON_CONTENT_FILTER
    if isinstance(input, machine.Fail):
        error = input.error
    events: list[event_pb2.RunEvent] = []
    operations: list[Operation] = []
    if left.message is not None:
        message = transcript.end_message(left.message, reason, now)
        events.append(ev.message_changed(message))
        operations.extend(put_message(message, run_id, order))
    total = left.used
    # The newest first: a step that began inside another one ends before it.
    for row in reversed(left.steps):
        record = StepRecord()
        record.CopyFrom(row.body)
        ended = transcript.end_step(record.step, status, now, error)
        # Adding to nothing fills in every field, as the API shows it.
        ended.usage.CopyFrom(machine.add_usage(machine.no_usage(), usage or record.usage))
        usage = None
        total = machine.add_usage(total, ended.usage)
        record.step.CopyFrom(ended)
        events.append(ev.step_changed(ended))
        operations.append(tables.steps(run_id).replace(row, record))
    if usage is not None:
        total = machine.add_usage(total, usage)
    return Closing(events=events, operations=operations, usage=total)


def finish(
    state: RunState, closing: Closing, input: machine.Input, *, now: int
) -> tuple[RunState, list[event_pb2.RunEvent]]:
    """The run's last state and all events of its end, in the order in which readers see them."""
    events = list(closing.events)
    before = state.run
    if isinstance(input, machine.Cancel):
        if before.status != machine.CANCELLING:
            before = machine.apply(before, machine.RequestCancel(), now=now)
        # Readers see the wish before what it does.
        events.insert(0, ev.run_changed(before))
    after = RunState()
    after.CopyFrom(state)
    after.run.CopyFrom(machine.apply(before, input, now=now, usage=closing.usage))
    events.append(ev.run_changed(after.run))
    return after, events


def put_message(message: message_pb2.Message, run_id: str, order: int) -> list[Operation]:
    """A run's message is put once, in the commit that ends it."""
    record = MessageRecord(message=message)
    return [
        tables.messages.put(message.id, record, expected=None, order=order),
        tables.pointer(tables.messages_of(run_id), message.id, order),
    ]


_MANNERS: dict[
    type[machine.Input],
    tuple[
        message_pb2.MessageIncompleteReason.ValueType,
        run_step_pb2.RunStepStatus.ValueType,
        run_pb2.RunError | None,
    ],
] = {
    machine.Fail: (
        message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_FAILED,
        transcript.STEP_FAILED,
        None,
    ),
    machine.Cancel: (
        message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_CANCELLED,
        transcript.STEP_CANCELLED,
        None,
    ),
    machine.Expire: (
        message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_EXPIRED,
        transcript.STEP_EXPIRED,
        None,
    ),
    machine.Stop: (
        message_pb2.MESSAGE_INCOMPLETE_REASON_MAX_TOKENS,
        transcript.STEP_COMPLETED,
        None,
    ),
}
