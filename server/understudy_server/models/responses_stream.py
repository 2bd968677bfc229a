"""The stream of ``POST /responses`` as model events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from understudy_server.models.calls import Call, Calls
from understudy_server.models.failure import UpstreamFailure, reported, written
from understudy_server.models.loose import Json, as_count, as_index, as_list, as_object, as_text
from understudy_server.models.port import (
    Finished,
    FinishReason,
    ModelEvent,
    OpaqueItem,
    RefusalDelta,
    TextDelta,
    Usage,
)

_TEXT_FIELDS: Final = {"output_text": "text", "refusal": "refusal"}


class ResponsesParser:
    """A ``StreamParser``. The ``done`` events are only a fallback for deltas that never came."""

    def __init__(self, new_call_id: Callable[[], str]) -> None:
        self._calls = Calls(new_call_id)
        self._by_output: dict[int | str, Call] = {}
        self._positions: dict[str, int | str] = {}
        self._texts: set[tuple[int | str, int]] = set()
        self._opaque: set[int | str] = set()
        self._finished = False

    @property
    def complete(self) -> bool:
        return self._finished

    @property
    def finished(self) -> bool:
        return self._finished

    def feed(self, event: Json) -> list[ModelEvent]:
        kind = as_text(event.get("type"))
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                return self._text(event, kind, as_text(event.get("delta")), whole=False)
            case "response.output_text.done":
                return self._text(event, kind, as_text(event.get("text")), whole=True)
            case "response.refusal.done":
                return self._text(event, kind, as_text(event.get("refusal")), whole=True)
            case "response.function_call_arguments.delta":
                return self._calls.more(self._call(event), as_text(event.get("delta")))
            case "response.function_call_arguments.done":
                call = self._call(event)
                return [
                    *self._calls.named(call, call_id="", name=as_text(event.get("name"))),
                    *self._calls.whole(call, as_text(event.get("arguments"))),
                ]
            case "response.output_item.added" | "response.output_item.done":
                done = kind.endswith("done")
                return self._item(self._key(event), as_object(event.get("item")), done=done)
            case "response.completed" | "response.incomplete":
                return self._end(as_object(event.get("response")))
            case "response.failed" | "response.cancelled":
                response = as_object(event.get("response"))
                raise reported(response.get("error") or f"the answer was {kind[9:]}")
            case "error":
                raise reported(event.get("error") or event)
            case "" if event.get("error"):
                raise reported(event["error"])
            case _:
                return []

    def end(self, *, announced: bool) -> list[ModelEvent]:
        if self._finished:
            return []
        if announced:
            raise UpstreamFailure(kind="malformed", message="it ended without response.completed")
        raise UpstreamFailure(kind="dropped")

    def _key(self, event: Json) -> int | str:
        """The item an event belongs to: by position, or by id from servers that do not count."""
        item_id = as_text(event.get("item_id") or as_object(event.get("item")).get("id"))
        index = event.get("output_index")
        if not isinstance(index, int | str):
            return self._positions.get(item_id, item_id)
        if item_id:
            self._positions[item_id] = index
        return index

    def _text(self, event: Json, kind: str, text: str, *, whole: bool) -> list[ModelEvent]:
        key = (self._key(event), as_index(event.get("content_index")) or 0)
        if not text or (whole and key in self._texts):
            return []
        self._texts.add(key)
        refused = kind.startswith("response.refusal")
        return [RefusalDelta(text=text) if refused else TextDelta(text=text)]

    def _call(self, event: Json) -> Call:
        key = self._key(event)
        if key not in self._by_output:
            self._by_output[key] = self._calls.open()
        return self._by_output[key]

    def _item(self, key: int | str, item: Json, *, done: bool) -> list[ModelEvent]:
        match item.get("type"):
            case "function_call":
                call = self._call({"output_index": key})
                call_id, name = as_text(item.get("call_id")), as_text(item.get("name"))
                return [
                    *self._calls.named(call, call_id=call_id, name=name),
                    *self._calls.whole(call, as_text(item.get("arguments"))),
                ]
            case "reasoning" if done and item.get("encrypted_content") and key not in self._opaque:
                # Without its encrypted content the item lives only in the provider's storage,
                # which `store: false` switches off: replaying it would be refused.
                self._opaque.add(key)
                return [OpaqueItem(json=written(item))]
            case "message" if done:
                return self._message(key, item)
            case _:
                return []

    def _message(self, key: int | str, item: Json) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        for index, part in enumerate(map(as_object, as_list(item.get("content")))):
            kind = as_text(part.get("type"))
            text = as_text(part.get(_TEXT_FIELDS.get(kind, "")))
            place = {"output_index": key, "content_index": index}
            events += self._text(place, f"response.{kind}", text, whole=True)
        return events

    def _end(self, response: Json) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if not self._by_output and not self._texts:
            for index, item in enumerate(as_list(response.get("output"))):
                events += self._item(index, as_object(item), done=True)
        self._calls.check()
        self._finished = True
        finished = Finished(
            reason=self._reason(response),
            usage=_usage(as_object(response.get("usage"))),
            model=as_text(response.get("model")) or None,
        )
        return [*events, finished]

    def _reason(self, response: Json) -> FinishReason:
        match as_object(response.get("incomplete_details")).get("reason"):
            case "content_filter":
                return "content_filter"
            case str():
                return "length"
            case _ if response.get("status") == "incomplete":
                return "length"
            case _:
                return "tool_calls" if self._calls else "stop"


def _usage(usage: Json) -> Usage | None:
    if not usage:
        return None
    cached = as_object(usage.get("input_tokens_details")).get("cached_tokens")
    reasoning = as_object(usage.get("output_tokens_details")).get("reasoning_tokens")
    return Usage(
        prompt_tokens=as_count(usage.get("input_tokens")),
        completion_tokens=as_count(usage.get("output_tokens")),
        cached_tokens=as_count(cached),
        reasoning_tokens=as_count(reasoning),
    )
