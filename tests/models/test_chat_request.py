"""One row per field of a request: set, it is exactly this in the body; unset, it is absent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.fakes import says
from understudy_server.models.chat_request import build_body
from understudy_server.models.port import (
    Function,
    Image,
    Item,
    JsonSchema,
    Message,
    ModelRequest,
    Opaque,
    Refusal,
    Text,
    ToolCall,
    ToolOutput,
)

F = Function(name="f")
F_WIRE = {"type": "function", "function": {"name": "f"}}
BARE = {
    "model": "m",
    "messages": [],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def test_a_bare_request_sends_nothing_that_was_not_set() -> None:
    assert build_body(ModelRequest(model="m")) == BARE


def test_the_older_name_of_the_token_limit() -> None:
    request = ModelRequest(model="m", max_output_tokens=5)
    assert build_body(request, max_tokens_field="max_tokens") == BARE | {"max_tokens": 5}


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ({"instructions": "Be."}, {"messages": [{"role": "system", "content": "Be."}]}),
        ({"tools": (F,)}, {"tools": [F_WIRE]}),
        ({"tool_choice": "none"}, {}),
        ({"parallel_tool_calls": True}, {}),
        ({"tools": (F,), "tool_choice": "none"}, {"tools": [F_WIRE], "tool_choice": "none"}),
        (
            {"tools": (F,), "tool_choice": "function:f"},
            {
                "tools": [F_WIRE],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
            },
        ),
        (
            {"tools": (F,), "parallel_tool_calls": True},
            {"tools": [F_WIRE], "parallel_tool_calls": True},
        ),
        ({"response_format": "json_object"}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": JsonSchema(name="n")},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
        ),
        (
            {
                "response_format": JsonSchema(
                    name="n", description="d", schema=b'{"a":2.0}', strict=False
                )
            },
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "n",
                        "description": "d",
                        "schema": {"a": 2.0},
                        "strict": False,
                    },
                }
            },
        ),
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"max_output_tokens": 1}, {"max_completion_tokens": 1}),
    ],
)
def test_a_field_that_is_set(fields: dict[str, Any], added: dict[str, Any]) -> None:
    assert build_body(ModelRequest(model="m", **fields)) == BARE | added


@pytest.mark.parametrize(
    ("tool", "function"),
    [
        (Function(name="f", description="d"), {"name": "f", "description": "d"}),
        (Function(name="f", strict=True), {"name": "f", "strict": True}),
        (Function(name="f", parameters=b'{"z":1}'), {"name": "f", "parameters": {"z": 1}}),
    ],
)
def test_a_tool(tool: Function, function: dict[str, Any]) -> None:
    body = build_body(ModelRequest(model="m", tools=(tool,)))
    assert body["tools"] == [{"type": "function", "function": function}]


def call(call_id: str) -> ToolCall:
    return ToolCall(call_id=call_id, name="f", arguments="{}")


def call_wire(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def output(call_id: str) -> ToolOutput:
    return ToolOutput(call_id=call_id, output="o")


def output_wire(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "o"}


@pytest.mark.parametrize(
    ("items", "messages"),
    [
        ((says("a"),), [{"role": "user", "content": "a"}]),
        ((says("a", "assistant"),), [{"role": "assistant", "content": "a"}]),
        ((says("a", "system"),), [{"role": "system", "content": "a"}]),
        ((Message(role="user", parts=()),), []),
        (
            (Message(role="user", parts=(Text(text="a"), Image(url="u", detail="high"))),),
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "image_url", "image_url": {"url": "u", "detail": "high"}},
                    ],
                }
            ],
        ),
        (
            (Message(role="assistant", parts=(Refusal(refusal="no"), Image(url="u"))),),
            [
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "auto"}}],
                },
            ],
        ),
        (
            (says("a", "assistant"), call("1"), call("2"), output("1"), output("2")),
            [
                {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [call_wire("1"), call_wire("2")],
                },
                output_wire("1"),
                output_wire("2"),
            ],
        ),
        (
            (says("q"), Opaque(json=b"{}"), call("1"), output("1"), call("2"), output("2")),
            [
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": None, "tool_calls": [call_wire("1")]},
                output_wire("1"),
                {"role": "assistant", "content": None, "tool_calls": [call_wire("2")]},
                output_wire("2"),
            ],
        ),
    ],
)
def test_items(items: tuple[Item, ...], messages: list[dict[str, Any]]) -> None:
    assert build_body(ModelRequest(model="m", items=items))["messages"] == messages
