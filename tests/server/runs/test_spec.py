"""What a run is created with: the request over the assistant."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import assistant_pb2, reasoning_pb2, run_pb2, tool_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.runs import spec

F, G = (tool_pb2.Tool(function={"name": name}) for name in "fg")  # type: ignore[arg-type]
SEARCH = tool_pb2.Tool(file_search={})  # type: ignore[arg-type]
LOW, HIGH = reasoning_pb2.REASONING_EFFORT_LOW, reasoning_pb2.REASONING_EFFORT_HIGH


def effective(assistant: dict[str, Any], request: dict[str, Any]) -> run_pb2.Run:
    return spec.effective(
        run_pb2.CreateRunRequest(**request),
        assistant_pb2.Assistant(id="asst_1", **{"model": "m", **assistant}),
        tool_pb2.ToolResources(),
        run_id="run_1",
        thread_id="thread_1",
    )


@pytest.mark.parametrize(
    ("field", "assistant", "request_", "expected"),
    [
        ("model", {"model": "m"}, {}, "m"),
        ("model", {"model": "m"}, {"model": "n"}, "n"),
        ("instructions", {"instructions": "a"}, {}, "a"),
        ("instructions", {"instructions": "a"}, {"instructions": "b"}, "b"),
        ("instructions", {"instructions": "a"}, {"instructions": ""}, ""),
        ("instructions", {"instructions": "a"}, {"additional_instructions": "c"}, "a\nc"),
        ("instructions", {}, {"additional_instructions": "c"}, "c"),
        (
            "instructions",
            {"instructions": "a"},
            {"instructions": "b", "additional_instructions": "c"},
            "b\nc",
        ),
        (
            "instructions",
            {"instructions": "a"},
            {"instructions": "", "additional_instructions": "c"},
            "c",
        ),
        ("tools", {"tools": [F]}, {}, [F]),
        ("tools", {"tools": [F]}, {"tools": {"tools": [G]}}, [G]),
        ("tools", {"tools": [F]}, {"tools": {}}, []),
        ("temperature", {"temperature": 0.5}, {}, 0.5),
        ("temperature", {"temperature": 0.5}, {"temperature": 0.0}, 0.0),
        ("top_p", {"top_p": 0.5}, {"top_p": 0.25}, 0.25),
        ("reasoning_effort", {"reasoning_effort": LOW}, {}, LOW),
        ("reasoning_effort", {"reasoning_effort": LOW}, {"reasoning_effort": HIGH}, HIGH),
        ("max_prompt_tokens", {}, {"max_prompt_tokens": 300}, 300),
        ("max_completion_tokens", {}, {"max_completion_tokens": 300}, 300),
        ("parallel_tool_calls", {}, {"parallel_tool_calls": False}, False),
    ],
)
def test_a_field_that_the_request_leaves_out_is_the_assistants(
    field: Any, assistant: Any, request_: Any, expected: Any
) -> None:
    found = getattr(effective(assistant, request_), field)
    assert (list(found) if field == "tools" else found) == expected


@pytest.mark.parametrize(
    "field",
    [
        "instructions",
        "temperature",
        "top_p",
        "reasoning_effort",
        "max_prompt_tokens",
        "max_completion_tokens",
        "parallel_tool_calls",
        "response_format",
        "truncation_strategy",
        "tool_choice",
        "tool_resources",
    ],
)
def test_what_nobody_sets_stays_unset(field: Any) -> None:
    assert not effective({}, {}).HasField(field)


def test_messages_are_copied() -> None:
    run = effective(
        {"response_format": {"text": {}}},
        {
            "response_format": {"json_object": {}},
            "truncation_strategy": {"type": 2, "last_messages": 3},
            "tool_choice": {"mode": 2},
        },
    )
    assert run.response_format.WhichOneof("format") == "json_object"
    assert run.truncation_strategy.last_messages == 3
    assert run.tool_choice.mode == tool_pb2.TOOL_CHOICE_MODE_AUTO


def test_hosted_tools_are_refused_or_dropped() -> None:
    run = run_pb2.Run(tools=[F, SEARCH])
    with pytest.raises(InvalidRequest) as refused:
        spec.check(run, drop_unavailable=False)
    assert refused.value.reason == "UNSUPPORTED_TOOL"
    assert refused.value.param == "tools[1].type"
    assert spec.check(run, drop_unavailable=True) == ["file_search"]
    assert list(run.tools) == [F]


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [
        ({"mode": 3}, True),
        ({"function": {"name": "f"}}, True),
        ({"function": {"name": "g"}}, False),
        ({"file_search": {}}, False),
    ],
)
def test_a_forced_tool_must_be_there(choice: Any, allowed: Any) -> None:
    run = run_pb2.Run(tools=[F], tool_choice=choice)
    if allowed:
        assert spec.check(run, drop_unavailable=False) == []
        return
    with pytest.raises(InvalidRequest):
        spec.check(run, drop_unavailable=False)


def test_a_call_cannot_be_required_of_a_run_without_tools() -> None:
    required = tool_pb2.ToolChoice(mode=tool_pb2.TOOL_CHOICE_MODE_REQUIRED)
    with pytest.raises(InvalidRequest) as refused:
        spec.check(run_pb2.Run(tool_choice=required), drop_unavailable=False)
    assert refused.value.param == "tool_choice"
    spec.check(run_pb2.Run(tool_choice=required, tools=[F]), drop_unavailable=False)
