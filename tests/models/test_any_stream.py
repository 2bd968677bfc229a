"""Properties of reading: chunks do not matter, and no stream whatsoever breaks the reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.byte_transport import Chunks, model_reading
from tests.models.fakes import ask, calls_in
from tests.upstream.chat_wire import ChatWriter
from tests.upstream.responses_wire import ResponsesWriter
from understudy_server.models.port import Finished, ModelError, ModelEvent
from understudy_server.models.provider import DialectName

DIALECTS: st.SearchStrategy[DialectName] = st.sampled_from(["responses", "chat"])


async def read(chunks: Sequence[bytes], dialect: DialectName) -> list[ModelEvent | ModelError]:
    model = model_reading(Chunks(chunks), dialect)
    found: list[ModelEvent | ModelError] = []
    try:
        async with asyncio.timeout(10):
            async for event in model.stream(ask()):
                found.append(event)  # noqa: PERF401  (what came before an error counts too)
    except ModelError as error:
        found.append(error)
    finally:
        await model.close()
    return found


def sse(events: Sequence[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def answer(dialect: DialectName) -> list[dict[str, Any]]:
    """Text, a refusal and two calls."""
    body = {"model": "m", "stream_options": {"include_usage": True}}
    writer = (ChatWriter if dialect == "chat" else ResponsesWriter)(body, ())
    return [
        *writer.start(),
        *writer.say("Grüße 😀"),
        *writer.refuse("Nein"),
        *writer.call("f", '{"ü": 1}', "call_a"),
        *writer.call("g", "{}", "call_b"),
        *writer.finish("", (4, 3, 2, 1)),
    ]


def shown(events: Sequence[ModelEvent | ModelError]) -> list[str]:
    return [str(event) for event in events]


@settings(max_examples=50, deadline=None)
@given(DIALECTS, st.lists(st.integers(min_value=0, max_value=9_000)))
def test_any_chunking_gives_the_same_events(dialect: DialectName, cuts: list[int]) -> None:
    stream = sse(answer(dialect))
    at = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(at)]
    whole = asyncio.run(read([stream], dialect))
    assert isinstance(whole[-1], Finished)
    assert shown(asyncio.run(read(chunks, dialect))) == shown(whole)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def check_ending(found: Sequence[ModelEvent | ModelError]) -> None:
    *events, last = found
    assert isinstance(last, Finished | ModelError)
    kept = [event for event in events if not isinstance(event, Finished | ModelError)]
    assert len(kept) == len(events)
    calls = calls_in(kept)
    assert len({call_id for call_id, _, _ in calls}) == len(calls)
    if isinstance(last, ModelError):
        assert last.partial == bool(events)


@settings(max_examples=60, deadline=None)
@given(DIALECTS, st.binary(max_size=200))
def test_bytes_that_mean_nothing(dialect: DialectName, noise: bytes) -> None:
    check_ending(asyncio.run(read([noise, b"data: " + noise], dialect)))


@st.composite
def damaged(draw: st.DrawFn, dialect: DialectName) -> list[Any]:
    """An answer with events lost, repeated, moved, and fields replaced by anything."""
    events = json.loads(json.dumps(answer(dialect)))
    events = draw(st.lists(st.sampled_from(events), min_size=1, max_size=15))
    for event in events:
        _damage(draw, event)
    return [*events, *draw(st.lists(JSON, max_size=1))]


def _damage(draw: st.DrawFn, value: Any) -> None:
    places: list[Any] = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        places = list(range(len(value)))
    for place in places:
        if draw(st.integers(min_value=0, max_value=7)) == 0:
            value[place] = draw(JSON)
        else:
            _damage(draw, value[place])


@settings(max_examples=150, deadline=None)
@given(DIALECTS, st.data())
def test_damaged_answers(dialect: DialectName, data: st.DataObject) -> None:
    events = data.draw(damaged(dialect))
    check_ending(asyncio.run(read([sse(events)], dialect)))
