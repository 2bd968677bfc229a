"""What is kept of a model call for people who want to know what was sent. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from understudy.v1 import run_pb2, run_step_pb2
from understudy_server.models.port import Resolved, Sent
from understudy_server.store.v1.records_pb2 import ModelCallRecord

MAX_BODY_BYTES = 600_000
"""Of what is kept; it goes into one commit with the first piece of the answer."""

_LENGTHS = (65_536, 16_384, 4_096, 1_024, 256, 64)


def record(
    sent: Sent,
    *,
    run: run_pb2.Run,
    resolved: Resolved,
    requested_model: str,
    attempt: int,
    round: int,
    now: int,
) -> ModelCallRecord:
    """``now`` in Unix seconds. A body that is too large loses the middle of its long texts and lists."""
    truncated = len(sent.body) > MAX_BODY_BYTES
    return ModelCallRecord(
        call=run_step_pb2.RunStepModelCall(
            run_id=run.id,
            thread_id=run.thread_id,
            created_at=now,
            provider=resolved.provider,
            dialect=sent.dialect,
            requested_model=requested_model,
            model=resolved.model,
            url=sent.url,
            attempt=attempt,
            round=round,
            truncated=truncated,
            body=shorten(sent.body, MAX_BODY_BYTES) if truncated else sent.body,
        )
    )


def shorten(body: bytes, limit: int) -> bytes:
    """A JSON object as one of at most ``limit`` bytes, with the same names at its top.

    The longest texts and lists lose their middle first, and have a mark there. ``limit`` must leave room for
    the names and a mark each.
    """
    value: dict[str, Any] = orjson.loads(body)
    for length in _LENGTHS:
        shorter = orjson.dumps(_cut(value, length))
        if len(shorter) <= limit:
            return shorter
    sizes = {name: len(orjson.dumps(inner)) for name, inner in value.items()}
    return orjson.dumps({name: f"[{size} bytes left out]" for name, size in sizes.items()})


def _cut(value: Any, length: int) -> Any:
    half = length // 2
    if isinstance(value, str) and len(value) > length:
        return f"{value[:half]} [{len(value) - 2 * half} characters left out] {value[-half:]}"
    if isinstance(value, dict):
        return {name: _cut(inner, length) for name, inner in value.items()}
    if isinstance(value, list):
        if len(value) > length:
            mark = f"[{len(value) - 2 * half} items left out]"
            return [*_cut(value[:half], length), mark, *_cut(value[-half:], length)]
        return [_cut(inner, length) for inner in value]
    return value
