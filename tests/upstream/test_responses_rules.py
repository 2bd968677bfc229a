"""What the Responses dialect refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.checks import Refused
from tests.upstream.responses_rules import check

TOOL = {"type": "function", "name": "f", "parameters": {}, "strict": False}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "o"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "input": "Hi"} | fields


def message(role: str, *parts: Any) -> list[Any]:
    return [{"type": "message", "role": role, "content": list(parts)}]


@pytest.mark.parametrize(
    "accepted",
    [
        body(),
        body(input=[{"role": "user", "content": "Hi"}]),
        body(input=message("user", {"type": "input_text", "text": "Hi"})),
        body(input=message("assistant", {"type": "output_text", "text": "Hi"})),
        body(input=message("assistant", {"type": "refusal", "refusal": "No"})),
        body(input=message("user", {"type": "input_image", "image_url": "https://x.test/a.png"})),
        body(
            input=[REASONING, CALL, OUTPUT], tools=[TOOL], include=["reasoning.encrypted_content"]
        ),
        body(tools=[TOOL], tool_choice={"type": "function", "name": "f"}),
        body(text={"format": {"type": "json_schema", "name": "n", "schema": {}}}),
        body(model="o4-mini", reasoning={"effort": "low"}),
        body(max_output_tokens=16, temperature=1, top_p=0.5, store=False, stream=True),
    ],
)
def test_accepted(accepted: dict[str, Any]) -> None:
    check(accepted)


@pytest.mark.parametrize(
    ("refused", "message", "param", "code"),
    [
        (
            {"model": "m"},
            "Missing required parameter: 'input'.",
            "input",
            "missing_required_parameter",
        ),
        (body(foo=1), "Unknown parameter: 'foo'.", "foo", "unknown_parameter"),
        (body(model=1), "Invalid type for 'model': expected a string", "model", "invalid_type"),
        (body(stream="yes"), "Invalid type for 'stream': expected a boolean", "stream", None),
        (body(temperature=True), "Invalid type for 'temperature'", "temperature", None),
        (body(tools=[]), "Invalid 'tools': empty array.", "tools", "empty_array"),
        (
            body(tools=[TOOL | {"x": 1}]),
            "Unknown parameter: 'tools[0].x'.",
            "tools[0].x",
            "unknown_parameter",
        ),
        (
            body(tools=[TOOL | {"name": "a b"}]),
            "Invalid 'tools[0].name': string does not match pattern.",
            "tools[0].name",
            "invalid_value",
        ),
        (
            body(tools=[{"type": "function", "name": "f", "parameters": {}}]),
            "Invalid schema for function 'f'",
            "tools[0].parameters",
            "invalid_function_parameters",
        ),
        (body(tool_choice="auto"), "Tool choice 'auto' must be", "tool_choice", None),
        (
            body(tools=[TOOL], tool_choice={"type": "function", "name": "g"}),
            "Tool choice 'function' not found",
            "tool_choice",
            None,
        ),
        (body(parallel_tool_calls=True), "'parallel_tool_calls' is only", None, None),
        (
            body(max_output_tokens=15),
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16",
            "max_output_tokens",
            "integer_below_min_value",
        ),
        (body(include=["x"]), "Invalid value: 'x'.", "include[0]", "invalid_value"),
        (
            body(input=message("assistant", {"type": "input_text", "text": "Hi"})),
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
            "input[0].content[0].type",
            "invalid_value",
        ),
        (
            body(input=message("user", {"type": "output_text", "text": "Hi"})),
            "Invalid value: 'output_text'. Supported values are: 'input_text' and 'input_image'.",
            "input[0].content[0].type",
            "invalid_value",
        ),
        (
            body(input=message("user", {"type": "input_image", "image_url": "file-1"})),
            "Invalid 'input[0].content[0].image_url'.",
            "input[0].content[0].image_url",
            "invalid_value",
        ),
        (
            body(input=message("tool", {"type": "input_text", "text": "x"})),
            "Invalid value: 'tool'.",
            "input[0].role",
            "invalid_value",
        ),
        (
            body(input=[OUTPUT]),
            "No tool call found for function call output with call_id a.",
            "input",
            None,
        ),
        (body(input=[CALL]), "No tool output found for function call a.", "input", None),
        (body(input=[REASONING]), "Item 'rs_1' of type 'reasoning' was provided", "input", None),
        (
            body(input=[REASONING | {"encrypted_content": None}, CALL, OUTPUT], store=False),
            "Item with id 'rs_1' not found.",
            "input",
            None,
        ),
        (
            body(text={"format": {"type": "json_schema", "schema": {}}}),
            "Missing required parameter: 'text.format.name'.",
            "text.format.name",
            "missing_required_parameter",
        ),
        (body(stream_options={}), "The 'stream_options' parameter is only", None, None),
        (
            body(model="o4-mini", temperature=1.0),
            "Unsupported parameter: 'temperature'",
            "temperature",
            "unsupported_parameter",
        ),
        (
            body(reasoning={"effort": "low"}),
            "Unsupported parameter: 'reasoning.effort'",
            None,
            None,
        ),
        (body(model="missing-model"), "The model `missing-model`", None, "model_not_found"),
    ],
)
def test_refused(
    refused: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    with pytest.raises(Refused) as caught:
        check(refused)
    error = caught.value.body["error"]
    assert str(error["message"]).startswith(message)
    assert param in (None, error["param"])
    assert code in (None, error["code"])
