"""The body of ``POST /responses`` for a ``ModelRequest``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

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

_LEAST_OUTPUT_TOKENS: Final = 16
"""Less is refused by this dialect, while the Assistants API's users do ask for less."""

_NO_PARAMETERS: Final = {"type": "object", "properties": {}}


def build_body(request: ModelRequest, *, reasoning_items: bool = True) -> dict[str, Any]:
    """Only what the user set, plus what streaming without storage on the provider's side needs.

    ``reasoning_items`` asks for encrypted reasoning and replays it; servers that refuse an unknown
    ``include`` want it off.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "input": [
            wire
            for item in request.items
            if reasoning_items or not isinstance(item, Opaque)
            for wire in _items(item)
        ],
        "stream": True,
        "store": False,
    }
    if reasoning_items:
        body["include"] = ["reasoning.encrypted_content"]
    if request.instructions is not None:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        body["text"] = {"format": _format(request.response_format)}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.reasoning_effort is not None:
        body["reasoning"] = {"effort": request.reasoning_effort}
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = max(_LEAST_OUTPUT_TOKENS, request.max_output_tokens)
    return body


def _items(item: Item) -> Iterator[dict[str, Any]]:
    match item:
        case Message(role="assistant"):
            said = [_said(part) for part in item.parts if not isinstance(part, Image)]
            if said:
                yield {"type": "message", "role": "assistant", "content": said}
            # The dialect has no place for a picture in an assistant's message. As the user's it
            # is at least seen.
            shown = [_heard(part) for part in item.parts if isinstance(part, Image)]
            if shown:
                yield {"type": "message", "role": "user", "content": shown}
        case Message():
            if item.parts:
                content = [_heard(part) for part in item.parts]
                yield {"type": "message", "role": item.role, "content": content}
        case ToolCall():
            yield {
                "type": "function_call",
                "call_id": item.call_id,
                "name": item.name,
                "arguments": item.arguments or "{}",
            }
        case ToolOutput():
            yield {
                "type": "function_call_output",
                "call_id": item.call_id,
                "output": item.output,
            }
        case Opaque():
            yield orjson.loads(item.json)


def _heard(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "input_text", "text": part.text}
        case Refusal():
            return {"type": "input_text", "text": part.refusal}
        case Image():
            return {"type": "input_image", "image_url": part.url, "detail": part.detail}


def _said(part: Text | Refusal) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.refusal}
    return {"type": "output_text", "text": part.text}


def _tool(tool: Function) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "type": "function",
        "name": tool.name,
        "parameters": orjson.loads(tool.parameters) if tool.parameters else _NO_PARAMETERS,
        # Unset means "not strict" to the Assistants API and "strict" to this dialect.
        "strict": tool.strict or False,
    }
    if tool.description is not None:
        wire["description"] = tool.description
    return wire


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.startswith("function:"):
        return {"type": "function", "name": choice.removeprefix("function:")}
    return choice


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if not isinstance(wanted, JsonSchema):
        return {"type": wanted}
    wire: dict[str, Any] = {
        "type": "json_schema",
        "name": wanted.name,
        "schema": orjson.loads(wanted.schema) if wanted.schema else {},
    }
    if wanted.description is not None:
        wire["description"] = wanted.description
    if wanted.strict is not None:
        wire["strict"] = wanted.strict
    return wire
