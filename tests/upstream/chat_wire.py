"""The chunks of a streamed chat completion, as OpenAI sends them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.upstream.steps import words


class ChatWriter:
    """Builds the chunks of one answer; each method returns those that it adds."""

    def __init__(self, body: dict[str, Any], quirks: Collection[str]) -> None:
        self._body = body
        self._quirks = quirks
        self._calls = 0

    def start(self) -> list[dict[str, Any]]:
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def say(self, chunk: str) -> list[dict[str, Any]]:
        return [self._chunk({"content": chunk})]

    def refuse(self, chunk: str) -> list[dict[str, Any]]:
        return [self._chunk({"refusal": chunk})]

    def reason(self, _encrypted: str) -> list[dict[str, Any]]:
        return []

    def call(self, name: str, arguments: str, call_id: str) -> list[dict[str, Any]]:
        whole = "no_arguments_deltas" in self._quirks
        pieces = [arguments] if whole else ["", *words(arguments)]
        chunks = []
        for number, piece in enumerate(pieces):
            function = {"arguments": piece}
            call: dict[str, Any] = {"index": self._calls, "function": function}
            if number == 0:
                call |= {"id": call_id, "type": "function"}
            if number == 0 or "repeated_names" in self._quirks:
                function["name"] = name
            if "no_call_ids" in self._quirks:
                call.pop("id", None)
            if "no_call_indexes" in self._quirks:
                del call["index"]
            chunks.append(self._chunk({"tool_calls": [call]}))
        self._calls += 1
        return chunks

    def finish(self, reason: str, usage: tuple[int, ...] | None) -> list[dict[str, Any]]:
        usual = "tool_calls" if self._calls else "stop"
        last = self._chunk({}, finish_reason=reason or usual)
        asked = self._body.get("stream_options", {}).get("include_usage")
        if usage is None or not asked:
            return [last]
        counts = _usage(usage)
        if "usage_with_finish" in self._quirks:
            return [last | {"usage": counts}]
        return [last, self._chunk({}) | {"choices": [], "usage": counts}]

    def error(self, code: str, message: str, *, failed: bool) -> list[dict[str, Any]]:
        del failed  # one form only in this dialect
        return [{"error": {"message": message, "type": code, "param": None, "code": code}}]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return {
            "id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": f"{self._body['model']}-2024-08-06",
            "service_tier": "default",
            "system_fingerprint": "fp_0123456789",
            "choices": [choice],
        }


def _usage(usage: tuple[int, ...]) -> dict[str, Any]:
    prompt, completion, cached, reasoning = usage
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
