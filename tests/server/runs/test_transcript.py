"""What a log leaves open, and how that is closed."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import event_pb2, message_pb2, run_pb2, run_step_pb2
from understudy_server.runs import events as ev
from understudy_server.runs import transcript


def step(id: str) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(step_created=run_step_pb2.RunStep(id=id))


def step_ends(id: str, how: str = "completed") -> event_pb2.RunEvent:
    return event_pb2.RunEvent(**{f"step_{how}": run_step_pb2.RunStep(id=id)})  # type: ignore[arg-type]


def message(id: str) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(message_created=message_pb2.Message(id=id))


def message_ends(id: str, how: str = "completed") -> event_pb2.RunEvent:
    return event_pb2.RunEvent(**{f"message_{how}": message_pb2.Message(id=id)})  # type: ignore[arg-type]


def delta(index: int, text: str) -> event_pb2.RunEvent:
    return ev.part_delta("m", ev.text_delta(index, text, first=False))


@pytest.mark.parametrize(
    ("events", "open_message", "open_steps"),
    [
        ([], None, []),
        ([step("s")], None, ["s"]),
        (
            [step("s"), message("m"), delta(0, "a"), delta(0, "b"), delta(1, "c")],
            ["ab", "c"],
            ["s"],
        ),
        ([step("s"), message("m"), delta(0, "a"), message_ends("m")], None, ["s"]),
        (
            [step("s"), message("m"), message_ends("m", "incomplete"), step_ends("s", "failed")],
            None,
            [],
        ),
        (
            [
                step("s"),
                message("m"),
                delta(0, "a"),
                message_ends("m"),
                step_ends("s"),
                message("n"),
            ],
            [],
            [],
        ),
        ([step("calls"), step("s"), message("m"), delta(0, "a")], ["a"], ["calls", "s"]),
        (
            [step("calls"), step("s"), message("m"), message_ends("m"), step_ends("s")],
            None,
            ["calls"],
        ),
        ([step("s"), step_ends("s", "cancelled")], None, []),
        ([step("s"), step_ends("s", "expired")], None, []),
    ],
)
def test_fold(events: Any, open_message: Any, open_steps: Any) -> None:
    found = transcript.fold(events)
    shown = None if found.message is None else [p.text.value for p in found.message.content]
    assert shown == open_message
    assert [step.id for step in found.steps] == open_steps


def test_folding_does_not_change_the_events() -> None:
    events = [message("m"), delta(0, "a")]
    transcript.fold(events)
    assert not events[0].message_created.content


def test_a_refusal_and_text_are_parts_of_their_own() -> None:
    draft = transcript.Draft()
    for part in (
        ev.text_delta(0, "a", first=True),
        event_pb2.ContentPartDelta(index=1, refusal="n"),
        event_pb2.ContentPartDelta(index=1, refusal="o"),
    ):
        draft.add(part)
    text, refusal = draft.content()
    assert text.text.value == "a"
    assert refusal.refusal == "no"


@pytest.mark.parametrize("reason", [None, message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_FAILED])
def test_an_ended_message_is_never_empty(reason: Any) -> None:
    ended = transcript.end_message(message_pb2.Message(id="m"), reason, 5)
    assert [part.text.value for part in ended.content] == [""]
    assert (ended.completed_at, ended.incomplete_at) == ((5, 0) if reason is None else (0, 5))
    assert ended.incomplete_details.reason == (reason or 0)


@pytest.mark.parametrize(
    ("status", "stamp"),
    [
        (transcript.STEP_COMPLETED, "completed_at"),
        (transcript.STEP_FAILED, "failed_at"),
        (transcript.STEP_CANCELLED, "cancelled_at"),
        (transcript.STEP_EXPIRED, "expired_at"),
    ],
)
def test_a_step_ends_with_its_time(status: Any, stamp: Any) -> None:
    ended = transcript.end_step(run_step_pb2.RunStep(id="s"), status, 5)
    stamps = [
        s for s in ("completed_at", "failed_at", "cancelled_at", "expired_at") if getattr(ended, s)
    ]
    assert stamps == [stamp]
    assert ended.HasField("last_error") == (status == transcript.STEP_FAILED)


def test_a_step_knows_two_codes_of_errors_only() -> None:
    error = run_pb2.RunError(code=run_pb2.RUN_ERROR_CODE_INVALID_PROMPT, message="no")
    ended = transcript.end_step(run_step_pb2.RunStep(), transcript.STEP_FAILED, 5, error)
    assert ended.last_error.code == run_pb2.RUN_ERROR_CODE_SERVER_ERROR
    assert error.code == run_pb2.RUN_ERROR_CODE_INVALID_PROMPT
