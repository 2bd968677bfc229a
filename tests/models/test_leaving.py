"""In which state a response is left: closed at once, or read to its end to be used again."""

from __future__ import annotations

import httpx2
import pytest

from tests.models.byte_transport import Chunks, model_reading
from tests.models.fakes import ask, collect
from understudy_server.models.port import Finished, ModelError, TextDelta
from understudy_server.models.provider import DialectName

HELLO = {
    "responses": b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n',
    "chat": b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n',
}
END = {
    "responses": b'data: {"type":"response.completed","response":{}}\n\n',
    "chat": b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
}


async def test_closing_early_closes_the_response_before_anything_else_runs(
    dialect: DialectName,
) -> None:
    body = Chunks([HELLO[dialect], HELLO[dialect]])
    events = model_reading(body, dialect).stream(ask())
    assert await anext(events) == TextDelta(text="Hi")
    await events.aclose()
    assert body.closed
    assert not body.exhausted


async def test_a_whole_answer_is_read_to_the_end_of_the_response(dialect: DialectName) -> None:
    body = Chunks([HELLO[dialect], END[dialect], b"\n", b": bye\n\n"])
    events = await collect(model_reading(body, dialect).stream(ask()))
    assert events == [TextDelta(text="Hi"), Finished(reason="stop")]
    assert body.exhausted
    assert body.closed


async def test_half_an_event_at_the_end_is_a_lost_connection(dialect: DialectName) -> None:
    body = Chunks([HELLO[dialect], END[dialect][:20]])
    with pytest.raises(ModelError, match="closed the connection"):
        await collect(model_reading(body, dialect).stream(ask()))
    assert body.closed


async def test_silence_after_the_end_of_a_chat_loses_nothing() -> None:
    end = END["chat"].removesuffix(b"data: [DONE]\n\n")
    body = Chunks([HELLO["chat"], end], httpx2.ReadTimeout("silence"))
    events = await collect(model_reading(body, "chat").stream(ask()))
    assert events == [TextDelta(text="Hi"), Finished(reason="stop")]
    assert body.closed


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8"])
async def test_what_is_no_event_stream_is_told(dialect: DialectName, content_type: str) -> None:
    body = Chunks([b"{}"])
    model = model_reading(body, dialect, content_type=content_type)
    with pytest.raises(ModelError, match="not an event stream"):
        await collect(model.stream(ask()))
    assert body.closed


async def test_an_endless_event_is_not_kept_in_memory(dialect: DialectName) -> None:
    megabytes = [b"x" * (1 << 20)] * 70
    with pytest.raises(ModelError, match="longer than 67,108,864 bytes"):
        await collect(model_reading(Chunks([b"data: ", *megabytes]), dialect).stream(ask()))
