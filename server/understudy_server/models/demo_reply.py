"""The demo model's whole answer to a request, as model events. Pure, apart from naming calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import orjson

from understudy_server.models.demo_json import SchemaFiller
from understudy_server.models.demo_memory import spoken, text_of
from understudy_server.models.loose import as_object
from understudy_server.models.port import (
    Finished,
    Function,
    JsonSchema,
    Message,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolOutput,
    Usage,
)

_WORD: Final = re.compile(r"\s*\S+")
_NAME_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_COMMON: Final = frozenset({"call", "current", "fetch", "find", "from", "list", "make", "with"})


def reply(request: ModelRequest, new_call_id: Callable[[], str]) -> tuple[ModelEvent, ...]:
    """Ends with ``Finished``. One word of text, or one piece of arguments, per event."""
    question, results = _last_turn(request)
    chosen = [] if results else _chosen(request, question)
    if chosen:
        calls = list(_calls(chosen, question, new_call_id))
        written = sum(1 for event in calls if isinstance(event, ToolCallDelta))
        finished = Finished(reason="tool_calls", usage=_usage(request, written), model="demo")
        return (*calls, finished)
    words = _WORD.findall(_text(request, question, results))
    limit = request.max_output_tokens
    said = words if limit is None else words[:limit]
    finished = Finished(
        reason="stop" if len(said) == len(words) else "length",
        usage=_usage(request, len(said)),
        model="demo",
    )
    return (*(TextDelta(text=word) for word in said), finished)


def _last_turn(request: ModelRequest) -> tuple[str, list[str]]:
    """What the user said last, and what the tools have answered since."""
    question, results = "", list[str]()
    names: dict[str, str] = {}
    for item in request.items:
        match item:
            case Message(role="user"):
                question, results = text_of(item), []
            case ToolCall():
                names[item.call_id] = item.name
            case ToolOutput():
                results.append(f"{names.get(item.call_id, 'a tool')} says {item.output}")
            case _:
                pass
    return question, results


def _chosen(request: ModelRequest, question: str) -> Sequence[Function]:
    choice = request.tool_choice or "auto"
    if choice == "none":
        return []
    if choice.startswith("function:"):
        return [tool for tool in request.tools if tool.name == choice.removeprefix("function:")]
    meant = [tool for tool in request.tools if _is_meant(tool, question)]
    if not meant and choice == "required":
        return request.tools[:1]
    return meant[:1] if request.parallel_tool_calls is False else meant


def _is_meant(tool: Function, question: str) -> bool:
    """Whether the user names the function, or uses a telling word of its name."""
    said = question.lower()
    if tool.name.lower() in said:
        return True
    spoken_words = set(re.findall(r"[a-z0-9]+", said))
    telling = {part.lower() for part in _NAME_PART.findall(tool.name) if len(part) > 3}
    return bool((telling - _COMMON) & spoken_words)


def _calls(
    tools: Sequence[Function], question: str, new_call_id: Callable[[], str]
) -> Iterator[ModelEvent]:
    for index, tool in enumerate(tools):
        schema = as_object(orjson.loads(tool.parameters or b'{"type":"object","properties":{}}'))
        arguments = orjson.dumps(SchemaFiller(schema, question).fill()).decode()
        yield ToolCallStarted(index=index, call_id=new_call_id(), name=tool.name)
        for start in range(0, len(arguments), 8):
            yield ToolCallDelta(index=index, arguments=arguments[start : start + 8])


def _text(request: ModelRequest, question: str, results: Sequence[str]) -> str:
    said = f"Here is what I found: {'; '.join(results)}." if results else spoken(request)
    match request.response_format:
        case JsonSchema(schema=schema):
            wanted = as_object(orjson.loads(schema or b"{}"))
            return orjson.dumps(SchemaFiller(wanted, question).fill()).decode()
        case "json_object":
            return orjson.dumps({"answer": said}).decode()
        case _:
            return said


def _usage(request: ModelRequest, written: int) -> Usage:
    read = (request.instructions or "").split()
    for item in request.items:
        match item:
            case Message():
                read += text_of(item).split()
            case ToolOutput():
                read += item.output.split()
            case _:
                pass
    return Usage(prompt_tokens=len(read), completion_tokens=written)
