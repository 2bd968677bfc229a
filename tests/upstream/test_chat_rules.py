"""What the chat dialect refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.chat_rules import check
from tests.upstream.checks import Refused

TOOL = {"type": "function", "function": {"name": "f"}}
CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ],
}
USER = {"role": "user", "content": "Hi"}


def output(call_id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "o"}


def body(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": list(messages or (USER,))} | fields


def parts(role: str, *content: Any) -> dict[str, Any]:
    return {"role": role, "content": list(content)}


@pytest.mark.parametrize(
    "accepted",
    [
        body(),
        body({"role": "system", "content": "Be."}, USER, {"role": "assistant", "content": "a"}),
        body(parts("user", {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}})),
        body(parts("assistant", {"type": "refusal", "refusal": "No"})),
        body(USER, CALLS, output("b"), output("a"), USER, tools=[TOOL]),
        body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}}),
        body(tools=[TOOL], tool_choice="required", parallel_tool_calls=False),
        body(response_format={"type": "json_schema", "json_schema": {"name": "n"}}),
        body(model="o4-mini", reasoning_effort="low", max_completion_tokens=5),
        body(stream=True, stream_options={"include_usage": True}, max_tokens=1, temperature=0.1),
    ],
)
def test_accepted(accepted: dict[str, Any]) -> None:
    check(accepted)


@pytest.mark.parametrize(
    ("refused", "message", "param", "code"),
    [
        (
            {"model": "m"},
            "Missing required parameter: 'messages'.",
            "messages",
            "missing_required_parameter",
        ),
        (
            {"model": "m", "messages": []},
            "Invalid 'messages': empty array.",
            "messages",
            "empty_array",
        ),
        (body(store=None), "Invalid type for 'store'", "store", "invalid_type"),
        (body(input="x"), "Unknown parameter: 'input'.", "input", "unknown_parameter"),
        (body(USER | {"x": 1}), "Unknown parameter: 'messages[0].x'.", "messages[0].x", None),
        (body({"content": "x"}), "Missing required parameter: 'messages[0].role'.", None, None),
        (body({"role": "bot"}), "Invalid value: 'bot'.", "messages[0].role", "invalid_value"),
        (body(parts("user")), "Invalid 'messages[0].content': empty array.", None, None),
        (
            body(parts("user", {"type": "input_text", "text": "x"})),
            "Invalid value: 'input_text'. Supported values are: 'text' and 'image_url'.",
            "messages[0].content[0].type",
            None,
        ),
        (
            body(parts("assistant", {"type": "image_url", "image_url": {"url": "https://x"}})),
            "Invalid value: 'image_url'.",
            None,
            None,
        ),
        (body({"role": "assistant"}), "Invalid value for 'content'", None, None),
        (body(tools=[]), "Invalid 'tools': empty array.", "tools", "empty_array"),
        (
            body(tools=[{"type": "function", "function": {"name": "f", "strict": True}}]),
            "Invalid schema for function 'f'",
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (body(tool_choice="none"), "'tool_choice' is only allowed", "tool_choice", None),
        (body(parallel_tool_calls=True), "'parallel_tool_calls' is only", None, None),
        (
            body(tools=[TOOL], tool_choice="any"),
            "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.",
            "tool_choice",
            "invalid_value",
        ),
        (body(stream_options={"include_usage": True}), "The 'stream_options'", None, None),
        (
            body(response_format={"type": "json_schema", "json_schema": {}}),
            "Missing required parameter: 'response_format.json_schema.name'.",
            None,
            None,
        ),
        (
            body(model="o4-mini", max_tokens=5),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use",
            "max_tokens",
            "unsupported_parameter",
        ),
        (body(model="gpt-5", top_p=1), "Unsupported parameter: 'top_p'", "top_p", None),
        (body(reasoning_effort="low"), "Unsupported parameter: 'reasoning_effort'", None, None),
        (
            body(USER, output("a")),
            "Invalid parameter: messages with role 'tool' must be a response",
            "messages.[1].role",
            None,
        ),
        (
            body(USER, CALLS, output("a")),
            "An assistant message with 'tool_calls' must be followed by tool messages",
            "messages",
            None,
        ),
        (
            body(USER, CALLS, output("a"), USER),
            "An assistant message with 'tool_calls'",
            None,
            None,
        ),
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
