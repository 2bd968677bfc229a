"""What a server has really sent, read by other means than the program under test uses: the standard library."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from typing import Any

from tests.models.hostile.wire import Answer, Close, Flood, Reset

_HEAD = re.compile(
    rb"(HTTP/1\.1 1\d\d [ -~]*\r\n([-\w]+:[ -~]*\r\n)*\r\n)*"
    rb"HTTP/1\.[01] (?P<status>[2-9]\d\d) [ -~]*\r\n(?P<fields>([-\w]+:[ -~]*\r\n)*)\r\n"
)
_BLANK_LINES = re.compile(rb"\n\n+")


class NotJson(Exception):
    """By the strict reading: UTF-8 without surrogates, numbers that a float can hold, nesting within reason."""


@dataclass(frozen=True)
class Facts:
    """Of one answer. ``raw``: its bytes as they were sent; ``silence``: seconds since the last one."""

    answer: Answer
    raw: bytes
    silence: float

    @property
    def left(self) -> bool:
        """Whether the server closed the connection."""
        return bool(self.answer.plays) and isinstance(self.answer.plays[-1], Close | Reset)

    @property
    def goes_on(self) -> bool:
        return bool(self.answer.plays) and isinstance(self.answer.plays[-1], Flood)

    @cached_property
    def statuses(self) -> set[int]:
        """Those of all heads."""
        return {int(status) for status in re.findall(rb"(?i)HTTP/1\.\d (\d{3})", self.raw)}

    @cached_property
    def fields(self) -> str:
        """All heads, in small letters."""
        return self.raw.lower().decode("latin-1").partition("\r\n\r\n")[0]

    @cached_property
    def packed(self) -> tuple[bytes, bool]:
        """The body as far as it came, and whether that is all of it."""
        response = HTTPResponse(_Connection(self.raw))  # type: ignore[arg-type]  # what it needs of one
        body = bytearray()
        try:
            response.begin()
            while piece := response.read1(1 << 16):
                body += piece
        except (HTTPException, ValueError, OSError):
            return bytes(body), False
        known = response.length is None or response.length == 0
        return bytes(body), known and (response.chunked or response.length == 0 or self.left)

    @cached_property
    def body(self) -> bytes:
        return self._unpacked[0]

    @property
    def badly_packed(self) -> bool:
        return self._unpacked[1]

    @cached_property
    def _unpacked(self) -> tuple[bytes, bool]:
        body, _ = self.packed
        if not re.search(r"content-encoding: (gzip|deflate)", self.fields):
            return body, False
        unpacker = zlib.decompressobj(47)  # either of them, by its first bytes
        try:
            return unpacker.decompress(body, 4 << 20), not unpacker.eof
        except zlib.error:
            return b"", True

    @cached_property
    def frames(self) -> list[bytes]:
        """The data of each event."""
        text = self.body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        frames = []
        for block in _BLANK_LINES.split(text):
            lines = [line[5:] for line in block.split(b"\n") if line.startswith(b"data:")]
            if lines:
                frames.append(b"\n".join(line.removeprefix(b" ") for line in lines))
        return frames

    @cached_property
    def values(self) -> list[Any]:
        """What of the events, or else of the whole body, is JSON."""
        return [value for frame in [*self.frames, self.body] for value in _values(frame)]

    @property
    def bad_frames(self) -> bool:
        return any(not list(_values(frame)) for frame in self.frames)

    @cached_property
    def words(self) -> str:
        """All letters and digits of every text in it."""
        texts = [text for value in self.values for text in _texts(value)]
        return letters("".join([*texts, self.body.decode(errors="replace")]))

    @cached_property
    def is_http(self) -> bool:
        """Whether nothing of what came is beyond dispute."""
        head = _HEAD.match(self.raw)
        if not self.raw:
            return True
        if head is None or head.end() > 8_000:
            return False
        fields = head["fields"].lower()
        body = self.raw[head.end() :]
        if head["status"] in (b"204", b"304"):  # which have none
            return not body
        lengths = re.findall(rb"content-length: *(\S*)", fields)
        codings = re.findall(rb"transfer-encoding: *(.*)\r", fields)
        if len(lengths) + len(codings) != 1:
            return not lengths and not codings
        if lengths:
            return lengths[0].isdigit() and len(body) <= int(lengths[0])
        return bool(codings == [b"chunked"]) and _is_chunked(body)


def letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def strict(data: bytes) -> Any:
    """Raises ``NotJson``."""
    try:
        value = json.loads(data.decode(), parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotJson from error
    return value


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inside), default=0) if isinstance(value, dict | list) else 0


def _values(data: bytes) -> Iterator[Any]:
    try:
        yield strict(data)
    except NotJson:
        return


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _refuse(_constant: str) -> Any:
    raise ValueError


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def _is_chunked(body: bytes) -> bool:
    """As far as it goes."""
    while body:
        size = re.match(rb"([0-9a-f]{1,8})\r\n", body)
        if size is None:
            return re.fullmatch(rb"[0-9a-f]{0,8}\r?", body) is not None
        length = int(size[1], 16)
        rest = body[size.end() + length :]
        if not length:
            return b"\r\n".startswith(rest)
        if not rest.startswith(b"\r\n"):
            return b"\r\n".startswith(rest)
        body = rest[2:]
    return True


class _Connection:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)
