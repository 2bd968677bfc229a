"""One row per field of a request: set, it is exactly this in the body; unset, it is absent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.fakes import says
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
from understudy_server.models.responses_request import build_body

F = Function(name="f")
F_WIRE = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
BARE = {
    "model": "m",
    "input": [],
    "stream": True,
    "store": False,
    "include": ["reasoning.encrypted_content"],
}


def test_a_bare_request_sends_nothing_that_was_not_set() -> None:
    assert build_body(ModelRequest(model="m")) == BARE


def test_servers_that_refuse_include_are_spared_it_and_the_reasoning() -> None:
    request = ModelRequest(model="m", items=(Opaque(json=b'{"type":"reasoning"}'), says("Hi")))
    body = build_body(request, reasoning_items=False)
    assert "include" not in body
    assert [item["type"] for item in body["input"]] == ["message"]


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ({"instructions": "Be kind."}, {"instructions": "Be kind."}),
        ({"instructions": ""}, {"instructions": ""}),
        ({"tools": (F,)}, {"tools": [F_WIRE]}),
        ({"tool_choice": "none"}, {}),
        ({"parallel_tool_calls": False}, {}),
        (
            {"tools": (F,), "tool_choice": "required"},
            {"tools": [F_WIRE], "tool_choice": "required"},
        ),
        (
            {"tools": (F,), "tool_choice": "function:f"},
            {"tools": [F_WIRE], "tool_choice": {"type": "function", "name": "f"}},
        ),
        (
            {"tools": (F,), "parallel_tool_calls": False},
            {"tools": [F_WIRE], "parallel_tool_calls": False},
        ),
        ({"response_format": "text"}, {"text": {"format": {"type": "text"}}}),
        ({"response_format": "json_object"}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"response_format": JsonSchema(name="n")},
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
        ),
        (
            {
                "response_format": JsonSchema(
                    name="n", description="d", schema=b'{"z":1,"a":2.0}', strict=True
                )
            },
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "description": "d",
                        "schema": {"z": 1, "a": 2.0},
                        "strict": True,
                    }
                }
            },
        ),
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"max_output_tokens": 300}, {"max_output_tokens": 300}),
        ({"max_output_tokens": 1}, {"max_output_tokens": 16}),
    ],
)
def test_a_field_that_is_set(fields: dict[str, Any], added: dict[str, Any]) -> None:
    assert build_body(ModelRequest(model="m", **fields)) == BARE | added


@pytest.mark.parametrize(
    ("tool", "wire"),
    [
        (Function(name="f", description="d"), F_WIRE | {"description": "d"}),
        (Function(name="f", strict=True), F_WIRE | {"strict": True}),
        (Function(name="f", strict=False), F_WIRE),
        (
            Function(name="f", parameters=b'{"z":{},"a":{}}'),
            F_WIRE | {"parameters": {"z": {}, "a": {}}},
        ),
    ],
)
def test_a_tool(tool: Function, wire: dict[str, Any]) -> None:
    assert build_body(ModelRequest(model="m", tools=(tool,)))["tools"] == [wire]


def test_the_order_of_keys_in_a_schema_is_the_users() -> None:
    tool = Function(name="f", parameters=b'{"z":1,"a":2,"m":3}')
    body = build_body(ModelRequest(model="m", tools=(tool,)))
    assert list(body["tools"][0]["parameters"]) == ["z", "a", "m"]


def message(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content)}


@pytest.mark.parametrize(
    ("item", "wire"),
    [
        (says("a"), [message("user", {"type": "input_text", "text": "a"})]),
        (says("a", "system"), [message("system", {"type": "input_text", "text": "a"})]),
        (says("a", "assistant"), [message("assistant", {"type": "output_text", "text": "a"})]),
        (
            Message(role="assistant", parts=(Text(text="a"), Refusal(refusal="no"))),
            [
                message(
                    "assistant",
                    {"type": "output_text", "text": "a"},
                    {"type": "refusal", "refusal": "no"},
                )
            ],
        ),
        (
            Message(role="user", parts=(Text(text="a"), Text(text="b"), Image(url="u"))),
            [
                message(
                    "user",
                    {"type": "input_text", "text": "a"},
                    {"type": "input_text", "text": "b"},
                    {"type": "input_image", "image_url": "u", "detail": "auto"},
                )
            ],
        ),
        (
            Message(role="assistant", parts=(Text(text="a"), Image(url="u", detail="low"))),
            [
                message("assistant", {"type": "output_text", "text": "a"}),
                message("user", {"type": "input_image", "image_url": "u", "detail": "low"}),
            ],
        ),
        (Message(role="user", parts=()), []),
        (Message(role="assistant", parts=()), []),
        (
            ToolCall(call_id="c", name="f", arguments='{"a": 1}'),
            [{"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'}],
        ),
        (
            ToolCall(call_id="c", name="f", arguments=""),
            [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}],
        ),
        (
            ToolOutput(call_id="c", output="o"),
            [{"type": "function_call_output", "call_id": "c", "output": "o"}],
        ),
        (
            Opaque(json=b'{"type":"reasoning","id":"rs_1","x":[null]}'),
            [{"type": "reasoning", "id": "rs_1", "x": [None]}],
        ),
    ],
)
def test_an_item(item: Item, wire: list[dict[str, Any]]) -> None:
    assert build_body(ModelRequest(model="m", items=(item,)))["input"] == wire
