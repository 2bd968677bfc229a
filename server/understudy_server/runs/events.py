"""The events of a run: how they are made, named and joined. Pure.

A logged run event carries only the run's state; ``present`` joins it with the spec for a reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message as Proto

from understudy.v1 import content_pb2, event_pb2, message_pb2, run_pb2, run_step_pb2, thread_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.runs import machine
from understudy_server.store.port import LOG_START, Entry, EventId

RUN_BRANCHES: dict[machine.Status, str] = {
    machine.QUEUED: "run_queued",
    machine.IN_PROGRESS: "run_in_progress",
    machine.REQUIRES_ACTION: "run_requires_action",
    machine.CANCELLING: "run_cancelling",
    machine.CANCELLED: "run_cancelled",
    machine.FAILED: "run_failed",
    machine.COMPLETED: "run_completed",
    machine.INCOMPLETE: "run_incomplete",
    machine.EXPIRED: "run_expired",
}
STEP_BRANCHES = {
    run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS: "step_in_progress",
    run_step_pb2.RUN_STEP_STATUS_COMPLETED: "step_completed",
    run_step_pb2.RUN_STEP_STATUS_FAILED: "step_failed",
    run_step_pb2.RUN_STEP_STATUS_CANCELLED: "step_cancelled",
    run_step_pb2.RUN_STEP_STATUS_EXPIRED: "step_expired",
}
MESSAGE_BRANCHES = {
    message_pb2.MESSAGE_STATUS_IN_PROGRESS: "message_in_progress",
    message_pb2.MESSAGE_STATUS_COMPLETED: "message_completed",
    message_pb2.MESSAGE_STATUS_INCOMPLETE: "message_incomplete",
}
_RUN_EVENTS = frozenset({"run_created", *RUN_BRANCHES.values()})


def _event(branch: str, payload: Proto) -> event_pb2.RunEvent:
    event = event_pb2.RunEvent()
    getattr(event, branch).CopyFrom(payload)
    return event


def thread_created(thread: thread_pb2.Thread) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(thread_created=thread)


def run_created(state: run_pb2.Run) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(run_created=state)


def run_changed(state: run_pb2.Run) -> event_pb2.RunEvent:
    return _event(RUN_BRANCHES[state.status], state)


def step_opened(step: run_step_pb2.RunStep) -> list[event_pb2.RunEvent]:
    """The two events with which every step begins. A step of calls shows them only as they come."""
    shown = run_step_pb2.RunStep()
    shown.CopyFrom(step)
    if shown.step_details.HasField("tool_calls"):
        shown.step_details.tool_calls.ClearField("tool_calls")
    return [
        event_pb2.RunEvent(step_created=shown),
        event_pb2.RunEvent(step_in_progress=shown),
    ]


def step_changed(step: run_step_pb2.RunStep) -> event_pb2.RunEvent:
    return _event(STEP_BRANCHES[step.status], step)


def message_opened(message: message_pb2.Message) -> list[event_pb2.RunEvent]:
    return [
        event_pb2.RunEvent(message_created=message),
        event_pb2.RunEvent(message_in_progress=message),
    ]


def message_changed(message: message_pb2.Message) -> event_pb2.RunEvent:
    return _event(MESSAGE_BRANCHES[message.status], message)


def part_delta(message_id: str, part: event_pb2.ContentPartDelta) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(
        message_delta=event_pb2.MessageDeltaEvent(
            id=message_id, delta=event_pb2.MessageDelta(content=[part])
        )
    )


def text_delta(index: int, text: str, *, first: bool) -> event_pb2.ContentPartDelta:
    """The first delta of a part shows an empty list of annotations, the later ones none at all."""
    delta = event_pb2.TextDelta(value=text)
    if first:
        delta.annotations.SetInParent()
    return event_pb2.ContentPartDelta(index=index, text=delta)


def call_delta(step_id: str, call: run_step_pb2.ToolCallDelta) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(
        step_delta=run_step_pb2.RunStepDeltaEvent(
            id=step_id,
            delta=run_step_pb2.RunStepDelta(
                step_details=run_step_pb2.StepDetailsDelta(
                    tool_calls=run_step_pb2.ToolCallDeltas(tool_calls=[call])
                )
            ),
        )
    )


def text_part(text: str) -> content_pb2.ContentPart:
    return content_pb2.ContentPart(text=content_pb2.TextContent(value=text))


def join(spec: run_pb2.Run, state: run_pb2.Run) -> run_pb2.Run:
    """The run as the API shows it: what never changes and what does."""
    run = run_pb2.Run()
    run.CopyFrom(spec)
    run.MergeFrom(state)
    return run


def present(event: event_pb2.RunEvent, spec: run_pb2.Run) -> event_pb2.RunEvent:
    """The event as a reader gets it; not to be changed, since it may be the logged one."""
    branch = event.WhichOneof("event")
    if branch not in _RUN_EVENTS:
        return event
    shown = _event(branch, join(spec, getattr(event, branch)))
    shown.id = event.id
    return shown


def ends_stream(event: event_pb2.RunEvent) -> bool:
    """Whether a live stream ends after this event."""
    branch = event.WhichOneof("event")
    return branch in _RUN_EVENTS and getattr(event, branch).status in machine.STREAM_ENDS


def event_id(event: event_pb2.RunEvent) -> EventId:
    attempt, _, n = event.id.partition("-")
    return EventId(int(attempt), int(n))


def parse_event_id(text: str) -> EventId:
    """What a client says it saw last; nothing means the beginning."""
    if not text:
        return LOG_START
    attempt, dash, n = text.partition("-")
    # Bounded, since the numbers meet 64-bit columns.
    if not (dash and _is_number(attempt) and _is_number(n)):
        raise InvalidRequest(
            f"Invalid 'after': '{text[:64]}'. Expected the id of an event, such as '1-5'.",
            reason="INVALID_VALUE",
            param="after",
        )
    return EventId(int(attempt), int(n))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def number(events: Iterable[event_pb2.RunEvent], start: EventId) -> list[event_pb2.RunEvent]:
    """Gives the events the ids after ``start``, in place."""
    numbered = list(events)
    for offset, event in enumerate(numbered, start=1):
        event.id = f"{start.attempt}-{start.n + offset}"
    return numbered


def entry(events: Sequence[event_pb2.RunEvent]) -> Entry:
    """One record of the log for events with consecutive ids."""
    return Entry(
        first=event_id(events[0]),
        last=event_id(events[-1]),
        body=event_pb2.RunEventBatch(events=events).SerializeToString(deterministic=True),
    )


def events_of(entries: Iterable[Entry]) -> list[event_pb2.RunEvent]:
    return [
        event
        for found in entries
        for event in event_pb2.RunEventBatch.FromString(found.body).events
    ]
