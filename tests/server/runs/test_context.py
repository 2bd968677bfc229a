"""What the model is asked, field by field, and with which items."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import (
    content_pb2,
    message_pb2,
    reasoning_pb2,
    run_pb2,
    run_step_pb2,
    tool_pb2,
)
from understudy_server.models import port as model
from understudy_server.runs import context, tokens
from understudy_server.runs.images import StoredImage
from understudy_server.store.v1.records_pb2 import StepRecord

FUNCTION = tool_pb2.Tool(
    function={"name": "f", "description": "d", "parameters": b'{"b":1,"a":2}', "strict": True}  # type: ignore[arg-type]
)
RESOLVED = model.Resolved(provider="p", model="m", context_window=100_000)


def user(text: str, **fields: Any) -> message_pb2.Message:
    parts = [content_pb2.ContentPart(text=content_pb2.TextContent(value=text))]
    return message_pb2.Message(role=message_pb2.MESSAGE_ROLE_USER, content=parts, **fields)


def build(run: run_pb2.Run | None = None, **fields: Any) -> model.ModelRequest:
    given: dict[str, Any] = {"messages": [user("Hi")], "steps": [], "resolved": RESOLVED, **fields}
    return context.build(context.Material(run=run or run_pb2.Run(id="run_1"), **given))


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({}, "instructions", None),
        ({"instructions": "Be kind"}, "instructions", "Be kind"),
        ({"instructions": ""}, "instructions", None),
        ({}, "temperature", None),
        ({"temperature": 0.0}, "temperature", 0.0),
        ({}, "top_p", None),
        ({"top_p": 0.5}, "top_p", 0.5),
        ({}, "reasoning_effort", None),
        ({"reasoning_effort": reasoning_pb2.REASONING_EFFORT_LOW}, "reasoning_effort", "low"),
        ({}, "tools", ()),
        (
            {"tools": [FUNCTION]},
            "tools",
            (model.Function(name="f", description="d", parameters=b'{"b":1,"a":2}', strict=True),),
        ),
        ({"parallel_tool_calls": False}, "parallel_tool_calls", None),
        ({"tools": [FUNCTION]}, "parallel_tool_calls", None),
        ({"tools": [FUNCTION], "parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({}, "response_format", None),
        ({"response_format": {"mode": 1}}, "response_format", None),
        ({"response_format": {"text": {}}}, "response_format", "text"),
        ({"response_format": {"json_object": {}}}, "response_format", "json_object"),
        (
            {"response_format": {"json_schema": {"name": "n", "schema": b"{}", "strict": False}}},
            "response_format",
            model.JsonSchema(name="n", schema=b"{}", strict=False),
        ),
        ({"tool_choice": {"mode": tool_pb2.TOOL_CHOICE_MODE_NONE}}, "tool_choice", None),
        (
            {"tools": [FUNCTION], "tool_choice": {"mode": tool_pb2.TOOL_CHOICE_MODE_NONE}},
            "tool_choice",
            "none",
        ),
        (
            {"tools": [FUNCTION], "tool_choice": {"mode": tool_pb2.TOOL_CHOICE_MODE_REQUIRED}},
            "tool_choice",
            "required",
        ),
        (
            {"tools": [FUNCTION], "tool_choice": {"function": {"name": "f"}}},
            "tool_choice",
            "function:f",
        ),
        ({}, "max_output_tokens", None),
    ],
)
def test_only_what_was_set_is_sent(fields: Any, name: Any, expected: Any) -> None:
    assert getattr(build(run_pb2.Run(id="run_1", **fields)), name) == expected


def test_what_is_left_of_the_budget_is_the_limit() -> None:
    assert build(completion_left=7).max_output_tokens == 7
    assert build().model == "m"


def _calls(status: Any = run_step_pb2.RUN_STEP_STATUS_COMPLETED) -> StepRecord:
    step = run_step_pb2.RunStep(status=status)
    for id in ("c1", "c2"):
        call = step.step_details.tool_calls.tool_calls.add(id=id)
        call.function.name = "f"
        call.function.arguments = "{}"
        call.function.output = f"out {id}"
    return StepRecord(step=step, opaque=[b'{"type":"reasoning"}'])


def test_a_forced_call_is_for_the_first_turn_only() -> None:
    run = run_pb2.Run(id="run_1", tools=[FUNCTION])
    for choice, later in (
        ({"mode": 3}, None),
        ({"function": {"name": "f"}}, None),
        ({"mode": 2}, "auto"),
    ):
        run.tool_choice.CopyFrom(tool_pb2.ToolChoice(**choice))
        assert build(run, steps=[_calls()]).tool_choice == later


def test_a_turn_that_a_takeover_abandoned_was_none() -> None:
    run = run_pb2.Run(id="run_1", tools=[FUNCTION], tool_choice={"mode": 3})  # type: ignore[arg-type]
    abandoned = _calls(run_step_pb2.RUN_STEP_STATUS_FAILED)
    asked = build(run, steps=[abandoned])
    assert asked.tool_choice == "required"
    assert len(asked.items) == 1


def test_own_turns_come_after_the_thread_in_their_order() -> None:
    own = message_pb2.Message(
        id="msg_1",
        run_id="run_1",
        role=message_pb2.MESSAGE_ROLE_ASSISTANT,
        content=user("Let me see").content,
    )
    written = run_step_pb2.RunStep(status=run_step_pb2.RUN_STEP_STATUS_COMPLETED)
    written.step_details.message_creation.message_id = "msg_1"
    items = build(messages=[user("Hi"), own], steps=[StepRecord(step=written), _calls()]).items
    assert items == (
        model.Message(role="user", parts=(model.Text(text="Hi"),)),
        model.Message(role="assistant", parts=(model.Text(text="Let me see"),)),
        model.Opaque(json=b'{"type":"reasoning"}'),
        model.ToolCall(call_id="c1", name="f", arguments="{}"),
        model.ToolCall(call_id="c2", name="f", arguments="{}"),
        model.ToolOutput(call_id="c1", output="out c1"),
        model.ToolOutput(call_id="c2", output="out c2"),
    )


def test_parts() -> None:
    message = user("Look")
    message.content.add(refusal="no")
    image = message.content.add().image_url
    image.url = "https://x/y.png"
    image.detail = content_pb2.IMAGE_DETAIL_HIGH
    message.content.add().image_url.url = "https://x/z.png"
    file = message.content.add().image_file
    file.file_id = "file_1"
    file.detail = content_pb2.IMAGE_DETAIL_LOW
    (found,) = build(messages=[message]).items
    assert found == model.Message(
        role="user",
        parts=(
            model.Text(text="Look"),
            model.Refusal(refusal="no"),
            model.Image(url="https://x/y.png", detail="high"),
            model.Image(url="https://x/z.png", detail="auto"),
            # Its bytes are read when it is known that it fits.
            StoredImage(file_id="file_1", detail="low"),
        ),
    )


def test_an_answer_that_never_began_is_not_sent() -> None:
    empty = user("", run_id="run_0")
    assert len(build(messages=[user("Hi"), empty, message_pb2.Message()]).items) == 1


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, ["c"]), (2, ["b", "c"]), (9, ["a", "b", "c"]), (None, ["a", "b", "c"])],
)
def test_last_messages(count: Any, expected: Any) -> None:
    run = run_pb2.Run(id="run_1")
    run.truncation_strategy.type = run_pb2.TRUNCATION_TYPE_LAST_MESSAGES
    if count is not None:
        run.truncation_strategy.last_messages = count
    asked = build(run, messages=[user(text) for text in "abc"])
    assert [item.parts[0].text for item in asked.items] == expected  # type: ignore[union-attr]


def test_the_oldest_messages_go_first_when_the_prompt_is_too_long() -> None:
    messages = [user("a" * 400), user("b" * 400), user("c" * 400)]
    asked = build(messages=messages, prompt_left=2 * (100 + tokens.PER_ITEM))
    assert len(asked.items) == 2
    tiny = build(messages=messages, prompt_left=1)
    assert [item.parts[0].text[0] for item in tiny.items] == ["c"]  # type: ignore[union-attr]


def test_tools_and_schemas_take_their_part_of_the_window() -> None:
    messages = [user("a" * 400), user("b" * 400)]
    room = 2 * (100 + tokens.PER_ITEM)
    assert len(build(messages=messages, prompt_left=room).items) == 2
    with_tools = run_pb2.Run(id="run_1", tools=[FUNCTION])
    with_schema = run_pb2.Run(id="run_1", response_format={"json_schema": {"name": "s"}})  # type: ignore[arg-type]  # protobuf takes a dict
    for run in (with_tools, with_schema):
        assert len(build(run, messages=messages, prompt_left=room).items) == 1
