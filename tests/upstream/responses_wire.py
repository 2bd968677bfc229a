"""The events of a streamed response, as OpenAI sends them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.upstream.steps import words

_RESPONSE_ID = "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9"


class ResponsesWriter:
    """Builds the events of one answer; each method returns those that it adds."""

    def __init__(self, body: dict[str, Any], quirks: Collection[str]) -> None:
        self._body = body
        self._quirks = quirks
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._open = False

    def start(self) -> list[dict[str, Any]]:
        events = [
            self._event("response.created", response=self._response("in_progress")),
            self._event("response.in_progress", response=self._response("in_progress")),
        ]
        if "empty_message" in self._quirks:
            events += [*self._open_message(), *self._close()]
        return events

    def say(self, chunk: str) -> list[dict[str, Any]]:
        return self._part("output_text", "text", chunk)

    def refuse(self, chunk: str) -> list[dict[str, Any]]:
        return self._part("refusal", "refusal", chunk)

    def reason(self, encrypted: str) -> list[dict[str, Any]]:
        closing = self._close()
        index = len(self._output)
        item = {"id": f"rs_{index}", "type": "reasoning", "summary": []}
        done = item | {"encrypted_content": encrypted}
        self._output.append(done)
        return [
            *closing,
            self._event("response.output_item.added", output_index=index, item=item),
            self._event("response.output_item.done", output_index=index, item=done),
        ]

    def call(self, name: str, arguments: str, call_id: str) -> list[dict[str, Any]]:
        events = self._close()
        index = len(self._output)
        item = {"id": f"fc_{index}", "type": "function_call", "call_id": call_id, "name": name}
        if "no_call_ids" in self._quirks:
            del item["call_id"]
        added = item | {"status": "in_progress", "arguments": ""}
        done = item | {"status": "completed", "arguments": arguments}
        self._output.append(done)
        place = {"item_id": item["id"], "output_index": index}
        events.append(self._event("response.output_item.added", output_index=index, item=added))
        if "no_arguments_deltas" not in self._quirks:
            events += [
                self._event("response.function_call_arguments.delta", **place, delta=piece)
                for piece in words(arguments)
            ]
        return [
            *events,
            self._event("response.function_call_arguments.done", **place, arguments=arguments),
            self._event("response.output_item.done", output_index=index, item=done),
        ]

    def finish(self, reason: str, usage: tuple[int, ...] | None) -> list[dict[str, Any]]:
        why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(reason)
        events = self._close("incomplete" if why else "completed")
        response = self._response("incomplete" if why else "completed")
        response["incomplete_details"] = {"reason": why} if why else None
        if usage is not None:
            prompt, completion, cached, reasoning = usage
            response["usage"] = {
                "input_tokens": prompt,
                "input_tokens_details": {"cached_tokens": cached},
                "output_tokens": completion,
                "output_tokens_details": {"reasoning_tokens": reasoning},
                "total_tokens": prompt + completion,
            }
        kind = "response.incomplete" if why else "response.completed"
        return [*events, self._event(kind, response=response)]

    def error(self, code: str, message: str, *, failed: bool) -> list[dict[str, Any]]:
        if not failed:
            return [self._event("error", code=code, message=message, param=None)]
        response = self._response("failed") | {"error": {"code": code, "message": message}}
        return [self._event("response.failed", response=response)]

    def _part(self, kind: str, field: str, chunk: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = [] if self._open else self._open_message()
        content = self._output[-1]["content"]
        if not content or content[-1]["type"] != kind:
            events += self._close_part()
            empty = {"type": kind, field: ""}
            content.append(empty if kind == "refusal" else empty | {"annotations": []})
            place = self._place()
            events.append(
                self._event("response.content_part.added", **place, part=dict(content[-1]))
            )
        content[-1][field] += chunk
        extra: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        delta = self._event(f"response.{kind}.delta", **self._place(), delta=chunk, **extra)
        return [*events, delta]

    def _open_message(self) -> list[dict[str, Any]]:
        index = len(self._output)
        item = {
            "id": f"msg_{index}",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        self._output.append(item)
        self._open = True
        added = item | {"content": []}
        return [self._event("response.output_item.added", output_index=index, item=added)]

    def _close_part(self) -> list[dict[str, Any]]:
        content = self._output[-1]["content"]
        if not content:
            return []
        part = content[-1]
        field = "text" if part["type"] == "output_text" else "refusal"
        kind, place = f"response.{part['type']}.done", self._place()
        return [
            self._event(kind, **place, **{field: part[field]}),
            self._event("response.content_part.done", **place, part=dict(part)),
        ]

    def _close(self, status: str = "completed") -> list[dict[str, Any]]:
        if not self._open:
            return []
        self._open = False
        events = self._close_part()
        self._output[-1]["status"] = status
        index = len(self._output) - 1
        done = dict(self._output[-1])
        return [*events, self._event("response.output_item.done", output_index=index, item=done)]

    def _place(self) -> dict[str, Any]:
        item = self._output[-1]
        return {
            "item_id": item["id"],
            "output_index": len(self._output) - 1,
            "content_index": len(item["content"]) - 1,
        }

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "id": _RESPONSE_ID,
            "object": "response",
            "created_at": 1_700_000_000,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": self._body.get("instructions"),
            "max_output_tokens": self._body.get("max_output_tokens"),
            "model": f"{self._body['model']}-2024-08-06",
            "output": [] if status in ("in_progress", "failed") else list(self._output),
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": self._body.get("store", True),
            "tool_choice": self._body.get("tool_choice", "auto"),
            "tools": self._body.get("tools", []),
            "usage": None,
            "metadata": {},
        }

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        event: dict[str, Any] = {"type": kind}
        if "no_sequence_numbers" not in self._quirks:
            event["sequence_number"] = self._number
        self._number += 1
        return event | fields
