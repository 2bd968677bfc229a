"""What the events of a run leave open, and how to close it. Pure.

Needed whenever a run ends early or changes hands: every message and step that a reader has seen begin must
be seen to end, with at least as many content parts as were shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from understudy.v1 import content_pb2, event_pb2, message_pb2, run_pb2, run_step_pb2
from understudy_server.runs import events as ev

STEP_FAILED = run_step_pb2.RUN_STEP_STATUS_FAILED
STEP_CANCELLED = run_step_pb2.RUN_STEP_STATUS_CANCELLED
STEP_EXPIRED = run_step_pb2.RUN_STEP_STATUS_EXPIRED
STEP_COMPLETED = run_step_pb2.RUN_STEP_STATUS_COMPLETED


@dataclass(slots=True)
class Open:
    """What has begun and not ended."""

    steps: list[run_step_pb2.RunStep] = field(default_factory=list)
    """Oldest first. A message that the model writes after its calls is a step inside theirs."""
    message: message_pb2.Message | None = None


def fold(events: Iterable[event_pb2.RunEvent]) -> Open:
    """Reads a log (and what was shown but not yet logged) into what it leaves open."""
    found = Open()
    draft = Draft()
    for event in events:
        branch = event.WhichOneof("event")
        match branch:
            case "step_created":
                found.steps.append(event.step_created)
            case "step_completed" | "step_failed" | "step_cancelled" | "step_expired":
                ended = getattr(event, branch).id
                found.steps = [step for step in found.steps if step.id != ended]
            case "message_created":
                found.message = message_pb2.Message()
                found.message.CopyFrom(event.message_created)
                draft = Draft()
            case "message_completed" | "message_incomplete":
                found.message = None
            case "message_delta":
                for part in event.message_delta.delta.content:
                    draft.add(part)
            case _:
                pass
    if found.message is not None:
        found.message.content.extend(draft.content())
    return found


class Draft:
    """The content of a message that is being written, as clients add it up from its deltas.

    Text is kept in pieces until it is asked for: joining at each delta would cost the square of its length.
    """

    def __init__(self) -> None:
        self._parts: list[list[event_pb2.ContentPartDelta]] = []

    def __len__(self) -> int:
        """How many parts have begun."""
        return len(self._parts)

    def add(self, delta: event_pb2.ContentPartDelta) -> None:
        while len(self._parts) <= delta.index:
            self._parts.append([])
        self._parts[delta.index].append(delta)

    def content(self) -> list[content_pb2.ContentPart]:
        return [_joined(deltas) for deltas in self._parts]


def _joined(deltas: Sequence[event_pb2.ContentPartDelta]) -> content_pb2.ContentPart:
    """One part: strings are joined, of an image the last one stands."""
    part = content_pb2.ContentPart()
    if not deltas:
        return part
    match deltas[0].WhichOneof("part"):
        case "text":
            part.text.value = "".join(delta.text.value for delta in deltas)
        case "refusal":
            part.refusal = "".join(delta.refusal for delta in deltas)
        case "image_file":
            part.image_file.CopyFrom(deltas[-1].image_file)
        case "image_url":
            part.image_url.CopyFrom(deltas[-1].image_url)
    return part


def end_message(
    message: message_pb2.Message,
    reason: message_pb2.MessageIncompleteReason.ValueType | None,
    now: int,
) -> message_pb2.Message:
    """The message as it ends: complete, or incomplete for a reason."""
    ended = message_pb2.Message()
    ended.CopyFrom(message)
    if reason is None:
        ended.status = message_pb2.MESSAGE_STATUS_COMPLETED
        ended.completed_at = now
    else:
        ended.status = message_pb2.MESSAGE_STATUS_INCOMPLETE
        ended.incomplete_at = now
        ended.incomplete_details.reason = reason
    if not ended.content:
        # SDKs index the last content part that they saw, so no ended message is ever empty.
        ended.content.append(ev.text_part(""))
    return ended


def end_step(
    step: run_step_pb2.RunStep,
    status: run_step_pb2.RunStepStatus.ValueType,
    now: int,
    error: run_pb2.RunError | None = None,
) -> run_step_pb2.RunStep:
    ended = run_step_pb2.RunStep()
    ended.CopyFrom(step)
    ended.status = status
    match status:
        case run_step_pb2.RUN_STEP_STATUS_COMPLETED:
            ended.completed_at = now
        case run_step_pb2.RUN_STEP_STATUS_FAILED:
            ended.failed_at = now
            ended.last_error.CopyFrom(error or lost_error())
            # A step knows two codes only.
            if ended.last_error.code == run_pb2.RUN_ERROR_CODE_INVALID_PROMPT:
                ended.last_error.code = run_pb2.RUN_ERROR_CODE_SERVER_ERROR
        case run_step_pb2.RUN_STEP_STATUS_CANCELLED:
            ended.cancelled_at = now
        case run_step_pb2.RUN_STEP_STATUS_EXPIRED:
            ended.expired_at = now
    return ended


def lost_error() -> run_pb2.RunError:
    """Why a step ends whose core has gone away; the run itself goes on with a new one."""
    return run_pb2.RunError(
        code=run_pb2.RUN_ERROR_CODE_SERVER_ERROR,
        message="The server that worked on this step went away; the run goes on elsewhere.",
    )
