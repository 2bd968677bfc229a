"""Answers without an end, or so large that nobody should wait for it."""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.models.hostile.plain import LAST_CHUNK, STREAM, chunk, head, sse
from tests.models.hostile.transport import SILENT
from tests.models.hostile.wire import Answer, Beat, Flood, Play, Send, Stall
from understudy_server.models.provider import DialectName

TOO_LONG = "it is longer than 1,048,576 bytes"
_CUT = frozenset({"failed", "incomplete"})


def _text(dialect: DialectName, text: str, *, refused: bool = False) -> bytes:
    event: dict[str, Any]
    if dialect == "chat":
        event = {"choices": [{"index": 0, "delta": {"refusal" if refused else "content": text}}]}
    else:
        kind = "refusal" if refused else "output_text"
        event = {"type": f"response.{kind}.delta", "output_index": 0, "delta": text}
    return sse([event])


def _call(dialect: DialectName, *, index: int, name: str, arguments: str) -> bytes:
    if dialect == "chat":
        function = {"name": name, "arguments": arguments}
        piece = {"index": index, "id": f"call_{index}", "function": function}
        return sse([{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}])
    item = {"type": "function_call", "call_id": f"call_{index}", "name": name}
    added = {"type": "response.output_item.added", "output_index": index, "item": item}
    kind = "response.function_call_arguments.delta"
    return sse([added, {"type": kind, "output_index": index, "delta": arguments}])


@st.composite
def floods(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """As fast as it is taken."""
    kind = draw(
        st.sampled_from(
            [
                *("words", "long words", "refusals", "alternating", "arguments", "calls"),
                *("comments", "blanks", "nothing", "one line", "one event", "names", "noise"),
            ]
        )
    )
    first = draw(st.sampled_from([b"", _text(dialect, "Hello")]))
    match kind:
        case "words":
            data = _text(dialect, " word")
        case "long words":
            data = _text(dialect, "x" * 5_000)
        case "refusals":
            data = _text(dialect, " no", refused=True)
        case "alternating":
            data = _text(dialect, "x" * 300) + _text(dialect, "y" * 300, refused=True)
        case "arguments":
            data = _call(dialect, index=0, name="f", arguments="1" * 1_000)
        case "calls":
            return _finite(_many_calls(dialect))
        case "comments":
            data = b": nothing yet\n\n"
        case "blanks":
            data = b"\n" * 100
        case "nothing":
            data = b'data: {"type": "ping"}\n\n' * 10
        case "one line":
            data, first = b"x" * 1_000, first + b"data: "
        case "one event":
            data = b"data: " + b"x" * 1_000 + b"\n"
        case "names":
            data = b"event: ping\nid: 1\n" * 50
        case _:
            data = b"\x00\xff" * 500
    plays: list[Play] = [Send(head(200, STREAM) + (chunk(first) if first else b""))]
    said = kind in ("words", "long words", "refusals", "alternating", "arguments")
    return Answer(
        plays=(*plays, Flood(chunk(data))),
        ends=_CUT if said else frozenset({"failed"}),
        tells=TOO_LONG,
    )


@cache
def _many_calls(dialect: DialectName) -> bytes:
    calls = (_call(dialect, index=number, name="f", arguments="{}") for number in range(10_000))
    return b"".join(calls)


def _finite(body: bytes) -> Answer:
    raw = head(200, STREAM) + chunk(body) + LAST_CHUNK
    return Answer(plays=(Send(raw),), ends=_CUT, tells=f"{TOO_LONG}|function calls")


@st.composite
def beats(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """Now and then, so that it never falls silent, for longer than a run lives."""
    first = draw(st.sampled_from([b"", _text(dialect, "Hello")]))
    data = draw(
        st.sampled_from([b": ping\n\n", b"\n", b"data: {}\n\n", b"x", _text(dialect, " word")])
    )
    opening = Send(head(200, STREAM) + (chunk(first) if first else b""))
    return Answer(plays=(opening, Beat(chunk(data))), ends=frozenset({"expired"}))


@st.composite
def drips(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """Ahead of any answer: interim heads without end."""
    interim = Send(b"HTTP/1.1 100 Continue\r\n\r\n" * draw(st.integers(1, 200)))
    return Answer(plays=(interim, Stall()), ends=frozenset({"failed"}), tells=SILENT)


@st.composite
def bombs(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """Little on the wire, much when it is unpacked."""
    inside = draw(
        st.sampled_from([b"\x00" * 1_000, b"data: {}\n\n" * 100, _text(dialect, "x" * 500)])
    )
    raw = head(200, {**STREAM, "Content-Encoding": "gzip"}) + chunk(_packed(inside)) + LAST_CHUNK
    return Answer(plays=(Send(raw),), ends=_CUT, tells=TOO_LONG)


@cache
def _packed(inside: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join(packer.compress(inside * 1_000) for _ in range(50)) + packer.flush()


@st.composite
def giants(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """One event that is larger than everything that a turn may say, and smaller than an answer may be."""
    text = draw(st.sampled_from(["x", "ü", "\x00", "\u2028"])) * draw(
        st.sampled_from([90_000, 150_000])
    )
    events = [_text(dialect, text), _call(dialect, index=0, name="f", arguments=text)]
    body = draw(st.permutations(events))[0] + b"data: " + json.dumps({"x": text}).encode() + b"\n\n"
    return Answer(plays=(Send(head(200, STREAM) + chunk(body) + LAST_CHUNK),))


def answers(dialect: DialectName) -> st.SearchStrategy[Answer]:
    return st.one_of(
        floods(dialect),
        floods(dialect),
        beats(dialect),
        drips(dialect),
        bombs(dialect),
        giants(dialect),
    )
