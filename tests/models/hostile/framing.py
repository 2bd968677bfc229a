"""Good answers in every dress that an event stream may wear: all of them must be read as if they wore none."""

from __future__ import annotations

import gzip
import json
import zlib

from hypothesis import strategies as st

from tests.models.hostile.oddities import TEXTS, cut
from tests.models.hostile.plain import LAST_CHUNK, STREAM, Event, chunk, head, said
from tests.models.hostile.transport import CLOSED, FAILED, NO_EVENT
from tests.models.hostile.wire import Answer, Close, Play, Send, Stall
from understudy_server.models.provider import DialectName

_BETWEEN = (
    b": ping\n\n",
    b":\n",
    b"\n\n",
    b"event: ping\n\n",
    b"id: 7\nretry: 10\n\n",
    b"nonsense\n\n",
    b"data\n",
    b'event: keepalive\ndata: {"type": "keepalive"}\n\n',
    b'data: {"type": "response.unknown_event", "delta": "no"}\n\n',
    b'data: {"object": "chat.completion.chunk", "choices": []}\n\n',
    b'data: {"choices": null, "x": [1e400]}\n\n',
    b"data: {}\n\n",
    b"\xff\xfe: \xed\xa0\x80\n\n",
)
"""What means nothing. The last but two: a number that no float holds is refused by some JSON readers."""
_HARMLESS = tuple(piece for piece in _BETWEEN if b"1e400" not in piece)


@st.composite
def dressed(draw: st.DrawFn, events: list[Event], *, chat: bool, whole: bool = False) -> bytes:
    """``events`` as a stream of bytes; ``whole``: with the blank line that ends the last one."""
    frames: list[bytes] = [b"\xef\xbb\xbf"] if draw(st.booleans()) else []
    named = draw(st.booleans())
    indent = draw(st.sampled_from([None, 1]))
    ascii_only = draw(st.booleans())
    for event in events:
        if draw(st.integers(0, 4)) == 0:
            frames.append(draw(st.sampled_from(_HARMLESS)))
        text = json.dumps(event, indent=indent, ensure_ascii=ascii_only)
        lines = [f"event: {draw(st.sampled_from(['x', event.get('type', 'y')]))}"] if named else []
        space = draw(st.sampled_from(["", " "]))
        lines += [f"data:{space}{line}" for line in text.split("\n")]
        frames.append("\n".join([*lines, "", ""]).encode())
    end = draw(
        st.sampled_from([b"", b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE] \n\n"])
    )
    if end and chat:
        end += draw(st.sampled_from([b"", end, b"data: {oops\n\n", b"data: \xff\n\n"]))
    stream = b"".join([*frames, end])
    if not end and not whole and draw(st.booleans()):
        stream = stream.rstrip(b"\n")
    return stream.replace(b"\n", draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))


@st.composite
def sent(draw: st.DrawFn, stream: bytes, *, end: Play | None = None) -> tuple[Play, ...]:
    """``stream`` as the body of a response, in pieces; without ``end`` the body is whole."""
    kind = draw(
        st.sampled_from(
            ["text/event-stream", "text/event-stream;charset=utf-8", "TEXT/EVENT-STREAM", "", "x/y"]
        )
    )
    fields = {"Content-Type": kind} if kind else {}
    packed = draw(st.sampled_from(["", "", "", "gzip", "deflate"]))
    if packed and end is None:
        stream = gzip.compress(stream) if packed == "gzip" else zlib.compress(stream)
        fields["Content-Encoding"] = packed
    pieces = cut(draw, stream, most=draw(st.sampled_from([0, 3, 40])))
    match draw(st.sampled_from(["chunks", "length", "until closed"])):
        case "chunks":
            raws = [head(200, {**STREAM, **fields}), *map(chunk, pieces)]
            raws += [LAST_CHUNK] if end is None else []
        case "length":
            more = 0 if end is None else 10
            raws = [head(200, {**fields, "Content-Length": str(len(stream) + more)}), *pieces]
        case _:
            raws = [head(200, fields, version=draw(st.sampled_from(["1.0", "1.1"]))), *pieces]
            end = end or Close()
    return (*map(Send, raws), *([end] if end else []))


@st.composite
def good(draw: st.DrawFn, dialect: DialectName) -> Answer:
    texts = draw(st.lists(TEXTS, min_size=1, max_size=4))
    # Bytes are replaced on the wire, where their number was counted already.
    texts = [text.replace("{key}", "key") for text in texts]
    # What follows the last event of this dialect, be it silence, loses nothing.
    end = None if dialect == "chat" else draw(st.sampled_from([None, Stall(), Close()]))
    events = said(dialect, *texts)
    stream = draw(dressed(events, chat=dialect == "chat", whole=end is not None))
    whole = "".join(texts)
    return Answer(
        plays=draw(sent(stream, end=end)),
        ends=frozenset({"completed"}),
        text=whole or None,
    )


@st.composite
def cut_short(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """A good stream that ends before it is whole, in a body that is."""
    events = said(dialect, "Hel", "lo")
    last = 2 if dialect == "chat" else 1
    stream = draw(dressed(events[: draw(st.integers(1, len(events) - last))], chat=False))
    for done in (b"data: [DONE]", b"data:[DONE]"):
        stream = stream.replace(done, b": x")
    stream = stream[: draw(st.integers(1, len(stream)))]
    end = draw(st.sampled_from([None, Close()]))
    return Answer(plays=draw(sent(stream, end=end)), ends=FAILED, tells=f"{CLOSED}|{NO_EVENT}")


def answers(dialect: DialectName) -> st.SearchStrategy[Answer]:
    return st.one_of(good(dialect), good(dialect), cut_short(dialect))
