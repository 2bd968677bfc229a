"""What must hold of every commit to a thread, whoever made it and whatever went wrong before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.server.runs.head_rules import HEAD_RULES
from tests.server.runs.thread_view import POINTER, STEP, Change
from understudy.v1 import message_pb2, run_pb2, run_step_pb2
from understudy_server.runs import events as ev
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.port import DropLog, EventId
from understudy_server.store.v1.records_pb2 import MessageRecord, RunState, StepRecord

_MOVES = {(before, after) for (before, _), after in machine.TRANSITIONS.items()}
_CHECKED_KINDS = (tables.messages.kind, tables.specs.kind, tables.runs.kind)


def _labels(change: Change) -> Iterator[str]:
    """The directory lists each run under its status and its assistant."""
    for id, state, written in change.states():
        status = f"status={state.run.status}"
        assistant = f"assistant={change.view.specs[id].run.assistant_id}"
        wanted = {"all", status, assistant, f"{status}&{assistant}"}
        if set(written.put.labels) != wanted:
            yield f"{id} is listed under {written.put.labels}"
    for _, written in change.of(tables.threads.kind):
        if written.put.labels != ("all",):
            yield "a thread is not listed"


def _orders_rise(change: Change) -> Iterator[str]:
    """What is added to a thread stands after everything before it, by the same commit as the head says so."""
    last = change.head_before.last_order if change.head_before else 0
    for (kind, id), written in change.written.items():
        if written.before is not None or not (kind in _CHECKED_KINDS or kind.startswith(STEP)):
            continue
        assert change.view.head is not None
        if not last < written.put.order <= change.view.head.last_order:
            yield f"{kind} {id} does not stand at the end"


def _statuses_move(change: Change) -> Iterator[str]:
    for id, after, written in change.states():
        before = written.before
        if before is None:
            if after.run.status != machine.QUEUED:
                yield f"{id} begins as {after.run.status}"
            continue
        assert isinstance(before, RunState)
        old, new = before.run.status, after.run.status
        if old != new and (old, new) not in _MOVES:
            yield f"{id} moves from {old} to {new}"
        if old in machine.TERMINAL and _but_metadata(before) != _but_metadata(after):
            yield f"{id} changes after its end"
        if before.cancel_requested and not after.cancel_requested:
            yield f"{id}: a wish to cancel is forgotten"
        if before.cancel_requested and new in machine.TERMINAL - {machine.CANCELLED}:
            yield f"{id}: ends as {new} though its cancel was accepted"
        if after.rounds < before.rounds:
            yield f"{id}: rounds fall"


def _metadata_is_the_users(change: Change) -> Iterator[str]:
    """An edit changes only metadata, and nothing but an edit does."""
    edit = len(change.commit.operations) == 1
    for id, after, written in change.states():
        if not isinstance(before := written.before, RunState):
            continue
        if not edit and before.run.metadata != after.run.metadata:
            yield f"{id}: an edit is undone"
        if edit and _but_metadata(before) != _but_metadata(after):
            yield f"{id}: an edit changes more than metadata"


def _changes_are_told(change: Change) -> Iterator[str]:
    """Status and event are one commit; the end also unlocks the thread."""
    told = {log: events for log, events, _ in change.appended}
    for id, after, written in change.states():
        before = written.before
        if isinstance(before, RunState) and before.run.status == after.run.status:
            continue
        status = after.run.status
        if status == machine.CANCELLING:
            continue
        branches = [event.WhichOneof("event") for event in told.get(id, [])]
        if ev.RUN_BRANCHES[status] not in branches:
            yield f"{id}: nobody is told of {ev.RUN_BRANCHES[status]}"
        if status not in machine.TERMINAL:
            continue
        if branches[-1:] != [ev.RUN_BRANCHES[status]] or told[id][-1].id != after.terminal_event:
            yield f"{id}: its end is not its last event"
        if change.view.head is None or change.view.head.active_run:
            yield f"{id}: ends, and the thread stays locked"


def _events_are_numbered(change: Change) -> Iterator[str]:
    """Every event carries the attempt of the head in its commit, and the next number."""
    for log, events, end in change.appended:
        last = end
        assert change.view.head is not None
        attempt = change.view.head.attempt
        active = (change.view.head.active_run, change.head_before and change.head_before.active_run)
        if log not in active:
            yield f"{log} gets events though it is not active"
        for event in events:
            id = ev.event_id(event)
            if id != EventId(attempt, last.n + 1 if last.attempt == attempt else 1):
                yield f"{log}: {event.id} follows {last} in attempt {attempt}"
            last = id


def _takeovers_close(change: Change) -> Iterator[str]:
    """A new attempt finds nothing open but calls that the model had finished."""
    before, after = change.head_before, change.view.head
    if before is None or after is None or before.attempt == after.attempt or after.tombstone:
        return
    run = after.active_run
    if not run or run != before.active_run:
        return
    log = change.view.logs[run]
    if log.open_message:
        yield f"{run} is taken over with {log.open_message} open"
    for id in log.open_steps:
        if not change.view.steps[id].step.step_details.tool_calls.tool_calls:
            yield f"{run} is taken over with {id} open"


def _messages_are_put_once(change: Change) -> Iterator[str]:
    view = change.view
    ended = {
        payload.id: payload
        for _, events, _ in change.appended
        for event in events
        for payload in (event.message_completed, event.message_incomplete)
        if payload.id
    }
    for id, written in change.of(tables.messages.kind):
        assert isinstance(written.after, MessageRecord)
        message = written.after.message
        if isinstance(written.before, MessageRecord):
            if _but_its_metadata(written.before.message) != _but_its_metadata(message):
                yield f"{id} changes"
            continue
        if view.ever[id] is not message:
            yield f"{id} is put twice"
        if message.run_id and ended.get(id) != message:
            yield f"{id}: the message and its event are not one"
        if view.pointers.get(id, "") != message.run_id:
            yield f"{id}: its run does not list it"
    for kind, id in change.deleted:
        if kind == tables.messages.kind and view.exists() and id in view.pointers:
            yield f"{id}: its run still lists it"
        if kind.startswith(POINTER) and view.exists() and id in view.messages:
            yield f"{id}: its run no longer lists it"


def _steps_grow(change: Change) -> Iterator[str]:
    """A step ends once; a whole call never changes, nor an output."""
    for (kind, id), written in change.written.items():
        if not kind.startswith(STEP) or not isinstance(before := written.before, StepRecord):
            continue
        assert isinstance(written.after, StepRecord)
        ended = before.step.status != run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS
        if ended and before.step != written.after.step:
            yield f"{id} changes after its end"
        old = before.step.step_details.tool_calls.tool_calls
        new = written.after.step.step_details.tool_calls.tool_calls
        for index, call in enumerate(old):
            output = call.function.HasField("output")
            same = len(new) == len(old) and (call.id, call.function.name) == (
                new[index].id,
                new[index].function.name,
            )
            if not same or call.function.arguments != new[index].function.arguments:
                yield f"{id}: {call.id} changes"
            elif output and call.function.output != new[index].function.output:
                yield f"{id}: the output of {call.id} changes"


def _logs_outlive_their_runs(change: Change) -> Iterator[str]:
    for operation in change.commit.operations:
        if isinstance(operation, DropLog) and change.view.exists():
            state = change.view.runs[operation.log]
            if state.run.status not in machine.TERMINAL or not state.log_dropped:
                yield f"the log of {operation.log} is dropped too early"


def _but_metadata(state: RunState) -> run_pb2.Run:
    run = run_pb2.Run()
    run.CopyFrom(state.run)
    run.ClearField("metadata")
    return run


def _but_its_metadata(given: message_pb2.Message) -> message_pb2.Message:
    message = message_pb2.Message()
    message.CopyFrom(given)
    message.ClearField("metadata")
    return message


RULES: tuple[Callable[[Change], Iterator[str]], ...] = (
    *HEAD_RULES,
    _labels,
    _orders_rise,
    _statuses_move,
    _metadata_is_the_users,
    _changes_are_told,
    _events_are_numbered,
    _takeovers_close,
    _messages_are_put_once,
    _steps_grow,
    _logs_outlive_their_runs,
)
