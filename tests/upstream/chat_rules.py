"""What ``POST /v1/chat/completions`` refuses."""

from __future__ import annotations

from typing import Any

from tests.upstream.checks import (
    Check,
    Refused,
    anything,
    array,
    flag,
    integer,
    json_object,
    nullable,
    number,
    one_of,
    shape,
    tagged,
    text,
    text_or,
)
from tests.upstream.shared_rules import (
    EFFORT,
    NAME,
    check_image_url,
    check_model,
    check_sampling,
    check_strict_schema,
    reasons,
    unsupported,
)

_KIND = {"type": anything}
_TEXT = shape({**_KIND, "text": text})
_IMAGE = shape(
    {
        **_KIND,
        "image_url": shape({"url": check_image_url}, {"detail": one_of("auto", "low", "high")}),
    }
)
_CALL = tagged(
    "type",
    {
        "function": shape(
            {"id": text, **_KIND, "function": shape({"name": NAME, "arguments": text})}
        )
    },
)


def _content(variants: dict[str, Check]) -> Check:
    return text_or(array(tagged("type", variants), least=1))


_MESSAGE = tagged(
    "role",
    {
        "system": shape({"role": anything, "content": _content({"text": _TEXT})}, {"name": text}),
        "developer": shape({"role": anything, "content": _content({"text": _TEXT})}),
        "user": shape(
            {"role": anything, "content": _content({"text": _TEXT, "image_url": _IMAGE})},
            {"name": text},
        ),
        "assistant": shape(
            {"role": anything},
            {
                "content": nullable(
                    _content({"text": _TEXT, "refusal": shape({**_KIND, "refusal": text})})
                ),
                "refusal": nullable(text),
                "name": text,
                "tool_calls": array(_CALL, least=1),
            },
        ),
        "tool": shape(
            {"role": anything, "content": _content({"text": _TEXT}), "tool_call_id": text}
        ),
    },
)
_BODY = shape(
    {"model": text, "messages": array(_MESSAGE, least=1)},
    {
        "frequency_penalty": number,
        "max_completion_tokens": nullable(integer(1)),
        "max_tokens": nullable(integer(1)),
        "metadata": json_object,
        "n": integer(1),
        "parallel_tool_calls": flag,
        "presence_penalty": number,
        "reasoning_effort": EFFORT,
        "response_format": tagged(
            "type",
            {
                "text": shape(_KIND),
                "json_object": shape(_KIND),
                "json_schema": shape(
                    {
                        **_KIND,
                        "json_schema": shape(
                            {"name": NAME},
                            {"description": text, "schema": json_object, "strict": flag},
                        ),
                    }
                ),
            },
        ),
        "seed": integer(0),
        "stop": anything,
        "store": flag,
        "stream": flag,
        "stream_options": shape({}, {"include_usage": flag}),
        "temperature": number,
        "tool_choice": text_or(
            tagged("type", {"function": shape({**_KIND, "function": shape({"name": text})})})
        ),
        "tools": array(
            tagged(
                "type",
                {
                    "function": shape(
                        {
                            **_KIND,
                            "function": shape(
                                {"name": NAME},
                                {"description": text, "parameters": json_object, "strict": flag},
                            ),
                        }
                    )
                },
            ),
            least=1,
        ),
        "top_p": number,
        "user": text,
    },
)


def check(body: Any) -> None:
    """Raises ``Refused``."""
    _BODY(body, "")
    check_model(body["model"])
    check_sampling(body)
    if "reasoning_effort" in body and not reasons(body["model"]):
        raise unsupported("reasoning_effort")
    if "max_tokens" in body and reasons(body["model"]):
        raise unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if "stream_options" in body and not body.get("stream"):
        raise Refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    _check_tools(body)
    _check_calls(body["messages"])


def _check_tools(body: dict[str, Any]) -> None:
    functions = [tool["function"] for tool in body.get("tools", [])]
    for index, function in enumerate(functions):
        if function.get("strict"):
            at = f"tools[{index}].function.parameters"
            check_strict_schema(function["name"], function.get("parameters"), at)
    for param in ("tool_choice", "parallel_tool_calls"):
        if param in body and not functions:
            raise Refused(f"'{param}' is only allowed when 'tools' are specified.", param=param)
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, str):
        one_of("none", "auto", "required")(choice, "tool_choice")
    elif choice["function"]["name"] not in [function["name"] for function in functions]:
        raise Refused("Tool choice 'function' not found in 'tools' parameter.", param="tool_choice")


def _check_calls(messages: list[dict[str, Any]]) -> None:
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a"
                    " preceeding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _check_answered(waiting)
        waiting = [call["id"] for call in message.get("tool_calls", [])]
        if message["role"] == "assistant" and not waiting and message.get("content") is None:
            raise Refused(
                "Invalid value for 'content': expected a string, got null.",
                param=f"messages.[{index}].content",
            )
    _check_answered(waiting)


def _check_answered(waiting: list[str]) -> None:
    if waiting:
        raise Refused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            " to each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {', '.join(waiting)}",
            param="messages",
        )
