"""The stream of ``POST /chat/completions`` as model events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from understudy_server.models.calls import Call, Calls
from understudy_server.models.failure import UpstreamFailure, reported, written
from understudy_server.models.loose import Json, as_count, as_index, as_list, as_object, as_text
from understudy_server.models.port import (
    Finished,
    FinishReason,
    ModelEvent,
    RefusalDelta,
    TextDelta,
    Usage,
)

_REASONS: Final[dict[str, FinishReason]] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}


class ChatParser:
    """A ``StreamParser``. ``Finished`` waits for the usage, which comes after the finish reason."""

    def __init__(self, new_call_id: Callable[[], str]) -> None:
        self._calls = Calls(new_call_id)
        self._by_index: dict[int, Call] = {}
        self._last: Call | None = None
        self._reason = ""
        self._usage: Usage | None = None
        self._model = ""
        self._finished = False

    @property
    def complete(self) -> bool:
        return bool(self._reason)

    @property
    def finished(self) -> bool:
        return self._finished

    def feed(self, event: Json) -> list[ModelEvent]:
        if event.get("error"):
            raise reported(event["error"])
        self._model = as_text(event.get("model")) or self._model
        self._usage = _usage(as_object(event.get("usage"))) or self._usage
        choices = as_list(event.get("choices"))
        if not choices:
            return []
        choice = as_object(choices[0])
        events = self._delta(as_object(choice.get("delta")))
        reason = as_text(choice.get("finish_reason"))
        if reason == "error":
            raise reported(choice.get("error") or "the answer ended with an error")
        self._reason = reason or self._reason
        return events

    def end(self, *, announced: bool) -> list[ModelEvent]:
        if self._finished:
            return []
        if not self._reason and not announced:
            raise UpstreamFailure(kind="dropped")
        self._calls.check()
        self._finished = True
        # Some servers say "stop" after a call, others "tool_calls" without one.
        usual: FinishReason = "tool_calls" if self._calls else "stop"
        reason = _REASONS.get(self._reason, usual)
        return [Finished(reason=reason, usage=self._usage, model=self._model or None)]

    def _delta(self, delta: Json) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if text := _content(delta.get("content")):
            events.append(TextDelta(text=text))
        if refusal := as_text(delta.get("refusal")):
            events.append(RefusalDelta(text=refusal))
        for piece in as_list(delta.get("tool_calls")):
            events += self._piece(as_object(piece))
        return events

    def _piece(self, piece: Json) -> list[ModelEvent]:
        function = as_object(piece.get("function"))
        call_id, name = as_text(piece.get("id")), as_text(function.get("name"))
        call = self._call_of(as_index(piece.get("index")), call_id, name)
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = written(arguments).decode()
        return [
            *self._calls.named(call, call_id=call_id, name=name),
            *self._calls.more(call, as_text(arguments)),
        ]

    def _call_of(self, index: int | None, call_id: str, name: str) -> Call:
        """Which call a piece belongs to. An index decides; a server without one is guessed at."""
        known = self._last if index is None else self._by_index.get(index)
        if known is None or _begins_another(known, call_id, name, indexed=index is not None):
            known = self._calls.open()
        if index is not None:
            self._by_index[index] = known
        self._last = known
        return known


def _begins_another(call: Call, call_id: str, name: str, *, indexed: bool) -> bool:
    if not name:
        return False
    if call_id and call.call_id and call_id != call.call_id:
        return True
    if indexed or (call_id and call_id == call.call_id):
        return False
    return name != call.name or _is_whole(call.arguments)


def _is_whole(arguments: str) -> bool:
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _content(content: object) -> str:
    """A text; a few servers send a list of text parts instead."""
    if isinstance(content, list):
        return "".join(as_text(as_object(part).get("text")) for part in content)
    return as_text(content)


def _usage(usage: Json) -> Usage | None:
    if not usage:
        return None
    cached = as_object(usage.get("prompt_tokens_details")).get("cached_tokens")
    reasoning = as_object(usage.get("completion_tokens_details")).get("reasoning_tokens")
    return Usage(
        prompt_tokens=as_count(usage.get("prompt_tokens")),
        completion_tokens=as_count(usage.get("completion_tokens")),
        cached_tokens=as_count(cached),
        reasoning_tokens=as_count(reasoning),
    )
