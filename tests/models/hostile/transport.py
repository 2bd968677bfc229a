"""Trouble below HTTP, and HTTP that is none."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.models.hostile.oddities import NOISE, cut
from tests.models.hostile.plain import LAST_CHUNK, STREAM, chunk, head, http, said, sse
from tests.models.hostile.wire import Answer, Close, Flood, Play, Reset, Send, Stall
from understudy_server.models.provider import DialectName

FAILED = frozenset({"failed"})
CLOSED = "closed the connection before the answer was complete"
SILENT = "stopped answering: nothing came for 60 seconds"
NOT_HTTP = "sent an answer that is not understood: it is not HTTP"
NO_EVENT = "there is no event in it"

_ENDS: st.SearchStrategy[Play] = st.sampled_from([Close(), Reset(), Stall()])
_SAID: dict[type[Play], str] = {Close: CLOSED, Reset: CLOSED, Stall: SILENT}


@st.composite
def no_answer(draw: st.DrawFn) -> Answer:
    """Before anything came."""
    end = draw(_ENDS)
    early = draw(st.booleans())
    return Answer(plays=(end,), early=early, ends=FAILED, tells=_SAID[type(end)])


def nobody() -> Answer:
    return Answer(
        plays=(), listens=False, ends=FAILED, tells="could not be reached: Connection refused"
    )


@st.composite
def noise(draw: st.DrawFn) -> Answer:
    data = draw(NOISE)
    end = draw(_ENDS)
    return Answer(
        plays=(Send(data), end),
        early=draw(st.booleans()),
        ends=FAILED,
        tells=f"{CLOSED}|{SILENT}|{NOT_HTTP}|{NO_EVENT}",
    )


@st.composite
def broken_head(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """A good answer's beginning."""
    fields = {"Content-Type": "text/event-stream", "Set-Cookie": "a=b", "Content-Length": "500"}
    whole = head(200, fields)
    part = whole[: draw(st.integers(1, len(whole) - 1))]
    end = draw(_ENDS)
    plays = (*map(Send, cut(draw, part, most=2)), end)
    return Answer(plays=plays, ends=FAILED, tells=_SAID[type(end)])


@st.composite
def strange_head(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """Heads that some HTTP libraries take and others do not; the body behind them is good."""
    body = sse(said(dialect, "Hello"), done=dialect == "chat")
    fields = ["Content-Type: text/event-stream", f"Content-Length: {len(body)}"]
    fields += draw(
        st.lists(
            st.sampled_from(
                [
                    "X: " + "x" * 9_000,
                    "X: " + "x" * 70_000,
                    "X: caf\xe9 \x80\xff",
                    ": empty",
                    "Content-Length: 3",
                    "Content-Length: -1",
                    "Content-Length: 999999999999999999999",
                    "Content-Length: 0x10",
                    "Transfer-Encoding: chunked",
                    "Transfer-Encoding: gzip, chunked",
                    "Transfer-Encoding: identity",
                    "Connection: close",
                    "Connection: upgrade\r\nUpgrade: websocket",
                    " folded: yes",
                    "Content-Type: ",
                    "Content-Encoding: identity",
                    "\r\n".join(f"X{number}: x" for number in range(300)),
                ]
            ),
            max_size=2,
        )
    )
    status = draw(
        st.sampled_from(
            [
                "HTTP/1.1 200 OK",
                "HTTP/1.0 200 OK",
                "HTTP/1.1 200",
                "HTTP/1.1 200 \xff\xfe\x80",
                "HTTP/1.1 200 " + "x" * 9_000,
                "http/1.1 200 ok",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade",
            ]
        )
    )
    lines = "\n" if draw(st.integers(0, 5)) == 0 else "\r\n"
    raw = lines.join([status, *fields, "", ""]).encode("latin-1") + body
    end = draw(_ENDS)
    return Answer(plays=(*map(Send, cut(draw, raw, most=2)), end), text="Hello")


@st.composite
def broken_body(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """A body that ends elsewhere than it says."""
    body = sse(said(dialect, "Hel", "lo"), done=dialect == "chat")
    kind = {"Content-Type": "text/event-stream"}
    # Short of the last event that matters, so that the answer cannot be whole.
    short = body[: draw(st.integers(0, len(body) // 2))]
    end = draw(_ENDS)
    tells = _SAID[type(end)]
    match draw(st.sampled_from(["length", "chunks", "until closed", "bad size", "bad end"])):
        case "length":
            raw = head(200, kind | {"Content-Length": str(len(body))}) + short
        case "chunks":
            raw = head(200, STREAM) + b"".join(map(chunk, cut(draw, short)))
        case "until closed":
            raw = head(200, kind, version=draw(st.sampled_from(["1.0", "1.1"]))) + short
        case "bad size":
            size = draw(st.sampled_from([b"zz", b"-5", b"", b"0x5", b"fffffffffffffffff", b"5 5"]))
            raw = head(200, STREAM) + chunk(short or b"\n") + size + b"\r\nhello\r\n"
            tells = f"{CLOSED}|{SILENT}|{NOT_HTTP}"
        case _:
            raw = head(200, STREAM) + b"%x\r\n" % len(short) + short + b"garbage\r\n"
            tells = f"{CLOSED}|{SILENT}|{NOT_HTTP}"
    return Answer(plays=(*map(Send, cut(draw, raw)), end), ends=FAILED, tells=tells)


@st.composite
def rest_behind(draw: st.DrawFn, dialect: DialectName) -> Answer:
    """A whole answer with something behind it that the next request must not take for its answer."""
    body = sse(said(dialect, "Hello"), done=dialect == "chat")
    poison = http(sse(said(dialect, "Poison"), done=dialect == "chat"))
    rest = draw(st.sampled_from([b"\r\n", b"garbage", poison, poison[:30], poison * 3]))
    chunked = draw(st.booleans())
    raw = head(200, STREAM) + chunk(body) + LAST_CHUNK if chunked else http(body)
    pieces = [raw + rest] if draw(st.booleans()) else [raw, rest]
    plays: list[Play] = [Send(piece) for piece in pieces]
    if draw(st.booleans()):
        plays.append(draw(_ENDS))
    # What comes in one piece with garbage may be refused whole.
    ends = frozenset({"completed", "failed"})
    return Answer(plays=tuple(plays), ends=ends, tells=NOT_HTTP, text="Hello")


def endless_head() -> Answer:
    return Answer(
        plays=(Send(b"HTTP/1.1 200 OK\r\n"), Flood(b"X: " + b"x" * 100 + b"\r\n")),
        ends=FAILED,
        tells=NOT_HTTP,
    )


def answers(dialect: DialectName) -> st.SearchStrategy[Answer]:
    return st.one_of(
        no_answer(),
        noise(),
        broken_head(dialect),
        strange_head(dialect),
        broken_body(dialect),
        rest_behind(dialect),
        st.builds(endless_head),
    )
