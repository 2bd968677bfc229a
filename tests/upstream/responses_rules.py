"""What ``POST /v1/responses`` refuses."""

from __future__ import annotations

from typing import Any

from tests.upstream.checks import (
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
_KEPT = {"id": text, "status": one_of("in_progress", "completed", "incomplete")}
_HEARD = array(
    tagged(
        "type",
        {
            "input_text": shape({**_KIND, "text": text}),
            "input_image": shape(
                _KIND,
                {
                    "image_url": check_image_url,
                    "file_id": text,
                    "detail": one_of("auto", "low", "high"),
                },
            ),
        },
    )
)
_SAID = array(
    tagged(
        "type",
        {
            "output_text": shape({**_KIND, "text": text}, {"annotations": array(json_object)}),
            "refusal": shape({**_KIND, "refusal": text}),
        },
    )
)


def _message(content: Any) -> Any:
    return shape({"role": anything, "content": text_or(content)}, {**_KIND, **_KEPT})


_MESSAGE = tagged(
    "role",
    {
        "user": _message(_HEARD),
        "system": _message(_HEARD),
        "developer": _message(_HEARD),
        "assistant": _message(_SAID),
    },
)
_OTHER_ITEM = tagged(
    "type",
    {
        "message": _MESSAGE,
        "function_call": shape({**_KIND, "call_id": text, "name": NAME, "arguments": text}, _KEPT),
        "function_call_output": shape({**_KIND, "call_id": text, "output": text}, _KEPT),
        "reasoning": shape(
            {**_KIND, "id": text, "summary": array(json_object)},
            {"encrypted_content": nullable(text), "content": array(json_object)},
        ),
    },
)


def _item(value: Any, path: str) -> None:
    plain = isinstance(value, dict) and "type" not in value
    (_MESSAGE if plain else _OTHER_ITEM)(value, path)


_BODY = shape(
    {"model": text, "input": text_or(array(_item))},
    {
        "include": array(one_of("reasoning.encrypted_content", "message.output_text.logprobs")),
        "instructions": nullable(text),
        "max_output_tokens": nullable(integer(16)),
        "metadata": json_object,
        "parallel_tool_calls": flag,
        "reasoning": shape({}, {"effort": EFFORT, "summary": anything}),
        "store": flag,
        "stream": flag,
        "stream_options": json_object,
        "temperature": number,
        "text": shape(
            {},
            {
                "format": tagged(
                    "type",
                    {
                        "text": shape(_KIND),
                        "json_object": shape(_KIND),
                        "json_schema": shape(
                            {**_KIND, "name": NAME, "schema": json_object},
                            {"description": text, "strict": flag},
                        ),
                    },
                ),
                "verbosity": one_of("low", "medium", "high"),
            },
        ),
        "tool_choice": text_or(
            tagged("type", {"function": shape({**_KIND, "name": text})}),
        ),
        "tools": array(
            tagged(
                "type",
                {
                    "function": shape(
                        {**_KIND, "name": NAME},
                        {
                            "description": text,
                            "parameters": nullable(json_object),
                            "strict": nullable(flag),
                        },
                    )
                },
            ),
            least=1,
        ),
        "top_p": number,
        "truncation": one_of("auto", "disabled"),
        "user": text,
    },
)


def check(body: Any) -> None:
    """Raises ``Refused``."""
    _BODY(body, "")
    check_model(body["model"])
    check_sampling(body)
    if "reasoning" in body and not reasons(body["model"]):
        raise unsupported("reasoning.effort")
    if "stream_options" in body and not body.get("stream"):
        raise Refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    _check_tools(body)
    if isinstance(body["input"], list):
        _check_calls(body["input"])
        _check_reasoning(body["input"], stored=body.get("store", True))


def _check_tools(body: dict[str, Any]) -> None:
    names = [tool["name"] for tool in body.get("tools", [])]
    for index, tool in enumerate(body.get("tools", [])):
        if tool.get("strict", True):  # this dialect is strict unless told otherwise
            at = f"tools[{index}].parameters"
            check_strict_schema(tool["name"], tool.get("parameters"), at)
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, str):
        one_of("none", "auto", "required")(choice, "tool_choice")
        if "tool_choice" in body and not names:
            raise Refused(
                f"Tool choice '{choice}' must be specified with 'tools' parameter.",
                param="tool_choice",
            )
    elif choice["name"] not in names:
        raise Refused("Tool choice 'function' not found in 'tools' parameter.", param="tool_choice")
    if "parallel_tool_calls" in body and not names:
        raise Refused(
            "'parallel_tool_calls' is only allowed when 'tools' are specified.",
            param="parallel_tool_calls",
        )


def _check_calls(items: list[dict[str, Any]]) -> None:
    waiting: list[str] = []
    for item in items:
        match item.get("type"):
            case "function_call":
                waiting.append(item["call_id"])
            case "function_call_output" if item["call_id"] in waiting:
                waiting.remove(item["call_id"])
            case "function_call_output":
                raise Refused(
                    f"No tool call found for function call output with call_id {item['call_id']}.",
                    param="input",
                )
            case _:
                pass
    if waiting:
        raise Refused(f"No tool output found for function call {waiting[0]}.", param="input")


def _check_reasoning(items: list[dict[str, Any]], *, stored: bool) -> None:
    for index, item in enumerate(items):
        if item.get("type") != "reasoning":
            continue
        if not stored and not item.get("encrypted_content"):
            raise Refused(
                f"Item with id '{item['id']}' not found. Items are not persisted when `store` is"
                " set to false. Try again with `store` set to true, or remove this item from your"
                " input.",
                param="input",
                status=404,
            )
        following = items[index + 1] if index + 1 < len(items) else {}
        if following.get("type") not in ("reasoning", "function_call") and (
            following.get("role") != "assistant"
        ):
            raise Refused(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required"
                " following item.",
                param="input",
            )
