"""What the events of a model mean for a run."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_server.models.port import (
    Finished,
    ModelError,
    OpaqueItem,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from understudy_server.runs import turn as t

TEXT, MORE = TextDelta(text="a"), TextDelta(text="b")
REFUSAL = RefusalDelta(text="no")
CALL = ToolCallStarted(index=0, call_id="c", name="f")
SECOND = ToolCallStarted(index=1, call_id="d", name="g")
ARGUMENTS = ToolCallDelta(index=0, arguments="{}")
END = Finished(reason="stop")


def _words(actions: Any) -> list[str]:
    found = []
    for action in actions:
        match action:
            case t.ShowPart(delta=delta, first=first):
                found.append(f"part {delta.index}" + (" first" if first else ""))
            case t.ShowCall(delta=delta, first=first):
                found.append(f"call {delta.index}" + (" first" if first else ""))
            case _:
                found.append(type(action).__name__)
    return found


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([END], []),
        ([TextDelta(text=""), END], []),
        ([TEXT, MORE, END], ["OpenMessage", "part 0 first", "part 0"]),
        (
            [TEXT, REFUSAL, MORE],
            ["OpenMessage", "part 0 first", "part 1 first", "part 2 first"],
        ),
        ([REFUSAL, REFUSAL], ["OpenMessage", "part 0 first", "part 0"]),
        ([CALL, ARGUMENTS, END], ["OpenCalls", "call 0 first", "call 0"]),
        ([CALL, SECOND], ["OpenCalls", "call 0 first", "call 1 first"]),
        (
            [TEXT, CALL],
            ["OpenMessage", "part 0 first", "CloseMessage", "OpenCalls", "call 0 first"],
        ),
        ([CALL, TEXT, ARGUMENTS], ["OpenCalls", "call 0 first", "call 0"]),
        ([OpaqueItem(json=b"{}"), TEXT], ["OpenMessage", "part 0 first"]),
    ],
)
def test_actions(events: Any, expected: Any) -> None:
    turn = t.Turn()
    assert _words([action for event in events for action in turn.take(event)]) == expected


def test_late_text_is_kept_for_the_end() -> None:
    turn = t.Turn()
    for event in (CALL, TEXT, ARGUMENTS, MORE):
        turn.take(event)
    assert _words(turn.take_late_text()) == ["OpenMessage", "part 0 first", "part 0"]
    assert [part.text.value for part in turn.close_message()] == ["ab"]
    assert turn.take_late_text() == []


def test_calls_are_gathered() -> None:
    turn = t.Turn()
    for event in (CALL, SECOND, ARGUMENTS, ToolCallDelta(index=1, arguments="[")):
        turn.take(event)
    assert [(c.id, c.function.name, c.function.arguments) for c in turn.calls] == [
        ("c", "f", "{}"),
        ("d", "g", "["),
    ]


def test_a_turn_is_over_with_its_end_or_when_it_is_too_large() -> None:
    turn = t.Turn()
    turn.take(TextDelta(text="x" * t.MAX_SAID))
    assert not turn.is_over()
    assert turn.take(MORE) == []
    assert turn.is_over()
    assert turn.finished == Finished(reason="length")


@pytest.mark.parametrize("finished", [None, END])
def test_no_usage_is_zeros(finished: Any) -> None:
    assert t.usage_of(finished).total_tokens == 0
    assert t.usage_of(finished).HasField("prompt_token_details")


def test_usage() -> None:
    used = t.usage_of(
        Finished(
            reason="stop",
            usage=Usage(prompt_tokens=5, completion_tokens=3, cached_tokens=2, reasoning_tokens=1),
        )
    )
    assert used.total_tokens == 8
    assert used.prompt_token_details.cached_tokens == 2
    assert used.completion_tokens_details.reasoning_tokens == 1


@pytest.mark.parametrize(
    "events",
    [
        [ARGUMENTS],
        [CALL, ToolCallDelta(index=1, arguments="{}")],
        [CALL, ToolCallDelta(index=-1, arguments="{}")],
        [CALL, CALL],
        [SECOND],
    ],
)
def test_calls_that_make_no_sense_fail_the_run_with_words(events: Any) -> None:
    turn = t.Turn()
    with pytest.raises(ModelError, match="makes no sense") as failed:
        for event in events:
            turn.take(event)
    assert failed.value.code == "server_error"


def test_nonsense_counts_are_shown_as_numbers_that_can_be_added() -> None:
    used = t.usage_of(Finished(reason="stop", usage=Usage(prompt_tokens=-5, cached_tokens=2**80)))
    assert used.prompt_tokens == 0
    assert used.prompt_token_details.cached_tokens == 2**50
