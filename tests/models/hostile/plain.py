"""Answers that nothing is wrong with, as events and as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.models.hostile.wire import Answer, Send
from tests.upstream.chat_wire import ChatWriter
from tests.upstream.responses_wire import ResponsesWriter
from understudy_server.models.provider import DialectName

Event = dict[str, Any]


def writer(dialect: DialectName) -> ChatWriter | ResponsesWriter:
    body = {"model": "m", "stream_options": {"include_usage": True}}
    return (ChatWriter if dialect == "chat" else ResponsesWriter)(body, ())


def said(dialect: DialectName, *texts: str) -> list[Event]:
    """The events of an answer that is only text."""
    write = writer(dialect)
    return [
        *write.start(),
        *(event for text in texts for event in write.say(text)),
        *write.finish("", (4, 3, 2, 1)),
    ]


def sse(events: Iterable[Event], *, done: bool = False) -> bytes:
    """As most servers frame it."""
    frames = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b"".join([*frames, b"data: [DONE]\n\n" if done else b""])


def head(
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    reason: str = "OK",
    version: str = "1.1",
) -> bytes:
    lines = [f"HTTP/{version} {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def http(
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    reason: str = "OK",
    kind: str = "text/event-stream",
) -> bytes:
    """A whole response of known length."""
    fields = {"Content-Type": kind} if kind else {}
    fields |= {"Content-Length": str(len(body)), **(headers or {})}
    return head(status, fields, reason=reason) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"}
LAST_CHUNK = b"0\r\n\r\n"


def plain_answer(dialect: DialectName, text: str) -> Answer:
    body = sse(said(dialect, text), done=dialect == "chat")
    return Answer(plays=(Send(http(body)),), ends=frozenset({"completed"}), text=text)
