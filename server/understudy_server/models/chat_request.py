"""The body of ``POST /chat/completions`` for a ``ModelRequest``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import orjson

from understudy_server.models.port import (
    Function,
    Image,
    Item,
    JsonSchema,
    Message,
    ModelRequest,
    Opaque,
    Part,
    Refusal,
    ResponseFormat,
    Text,
    ToolCall,
    ToolChoice,
    ToolOutput,
)

MaxTokensField: TypeAlias = Literal["max_completion_tokens", "max_tokens"]
"""OpenAI's reasoning models refuse the older name; many local servers know no other."""


def build_body(
    request: ModelRequest, *, max_tokens_field: MaxTokensField = "max_completion_tokens"
) -> dict[str, Any]:
    """Only what the user set, plus what streaming with a count of tokens needs."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request.instructions, request.items),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.reasoning_effort is not None:
        body["reasoning_effort"] = request.reasoning_effort
    if request.max_output_tokens is not None:
        body[max_tokens_field] = request.max_output_tokens
    return body


def _messages(instructions: str | None, items: Iterable[Item]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if instructions is not None:
        messages.append({"role": "system", "content": instructions})
    for item in items:
        match item:
            case Message():
                messages += _message(item)
            case ToolCall():
                _add_call(messages, item)
            case ToolOutput():
                messages.append(
                    {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
                )
            case Opaque():
                pass  # belongs to the other dialect; this one has no place for it
    return messages


def _message(message: Message) -> list[dict[str, Any]]:
    if message.role == "user":
        return _turn("user", message.parts)
    # Only a user's message may hold pictures here. As the user's they are at least seen.
    said = tuple(part for part in message.parts if not isinstance(part, Image))
    shown = tuple(part for part in message.parts if isinstance(part, Image))
    return [*_turn(message.role, said), *_turn("user", shown)]


def _turn(role: str, parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    if not parts:
        return []
    if len(parts) == 1 and isinstance(parts[0], Text):
        # The plain form is the one that every server understands.
        return [{"role": role, "content": parts[0].text}]
    return [{"role": role, "content": [_part(role, part) for part in parts]}]


def _part(role: str, part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}
        case Refusal() if role == "assistant":
            return {"type": "refusal", "refusal": part.refusal}
        case Refusal():
            return {"type": "text", "text": part.refusal}


def _add_call(messages: list[dict[str, Any]], call: ToolCall) -> None:
    """Text and calls of one turn are one message, and all its calls come before any output."""
    wire = {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(wire)


def _tool(tool: Function) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = orjson.loads(tool.parameters)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.startswith("function:"):
        return {"type": "function", "function": {"name": choice.removeprefix("function:")}}
    return choice


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if not isinstance(wanted, JsonSchema):
        return {"type": wanted}
    schema: dict[str, Any] = {"name": wanted.name}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.schema is not None:
        schema["schema"] = orjson.loads(wanted.schema)
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}
