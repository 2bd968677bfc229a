"""Events of one run, scripts that send them, and looking at the bytes that come out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson

from tests.edge.fake_core import Context
from understudy.v1 import event_pb2, run_pb2

Batches = AsyncIterator[event_pb2.RunEventBatch]
START = ("/v1/threads/t/runs", {"assistant_id": "a", "stream": True})
RUN = run_pb2.Run(id="run_1", thread_id="t")
DONE = b"event: done\ndata: [DONE]\n\n"


def delta(id: str, text: str) -> event_pb2.RunEvent:
    part = event_pb2.ContentPartDelta(index=0, text=event_pb2.TextDelta(value=text))
    return event_pb2.RunEvent(
        id=id,
        message_delta=event_pb2.MessageDeltaEvent(
            id="msg_1", delta=event_pb2.MessageDelta(content=[part])
        ),
    )


def created(id: str = "1-1") -> event_pb2.RunEvent:
    return event_pb2.RunEvent(id=id, run_created=RUN)


def completed(id: str) -> event_pb2.RunEvent:
    return event_pb2.RunEvent(id=id, run_completed=RUN)


def batch(*events: event_pb2.RunEvent) -> event_pb2.RunEventBatch:
    return event_pb2.RunEventBatch(events=events)


def scripted(*batches: event_pb2.RunEventBatch) -> Any:
    async def stream(_request: Any, _context: Context) -> Batches:
        for each in batches:
            yield each

    return stream


async def body_of(edge: aiohttp.ClientSession) -> bytes:
    async with edge.post(START[0], json=START[1]) as response:
        assert response.status == 200
        return await response.read()


def names(body: bytes) -> list[str]:
    return re.findall(r"^event: (.*)$", body.decode(), re.MULTILINE)


def ids(body: bytes) -> list[str]:
    return re.findall(r"^id: (.*)$", body.decode(), re.MULTILINE)


def error_in(body: bytes) -> dict[str, Any]:
    """The data of the error event, after looking at its two forms."""
    (data,) = re.findall(rb"^event: error\ndata: (.*)\n\n", body, re.MULTILINE)
    flat: dict[str, Any] = orjson.loads(data)
    nested: dict[str, Any] = flat.pop("error")
    assert list(nested) == ["message", "type", "param", "code"]
    assert flat == nested
    return nested
