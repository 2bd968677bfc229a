"""Splitting a server-sent event stream into the ``data`` of its events, from chunks of any size.

Bytes stay bytes: a character cut in two by the network is whole again before anyone decodes it.
"""

from __future__ import annotations


class SseSplitter:
    """Push chunks in; get back the data of each event that they complete.

    Event names, ids and comments are dropped: both dialects repeat the event's type inside its
    data, and some servers send no names at all. Lines may end in LF, CR or CRLF. It keeps what it is
    fed until an event is complete: who feeds it decides how much that may be.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._skip_newline = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        if not chunk:
            return []
        if self._skip_newline:
            chunk = chunk.removeprefix(b"\n")
        self._rest += chunk
        # A CR at the very end may be half of a CRLF: it ends the line now, and the LF that may
        # come next is skipped, so that an event is never held back.
        self._skip_newline = chunk.endswith(b"\r")
        if b"\n" not in chunk and b"\r" not in chunk:
            return []
        *lines, rest = _lines(bytes(self._rest))
        self._rest = bytearray(rest)
        return [data for line in lines if (data := self._line(line)) is not None]

    def end(self) -> list[bytes]:
        """The data of an event whose closing blank line never came: some servers just stop."""
        if self._rest:
            self._line(bytes(self._rest))
            self._rest.clear()
        data = self._line(b"")
        return [] if data is None else [data]

    def _line(self, line: bytes) -> bytes | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            if not self._data:
                return None
            data = b"\n".join(self._data)
            self._data = []
            return data
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._data.append(value)
        return None


def _lines(text: bytes) -> list[bytes]:
    """``bytes.splitlines`` would also drop the information whether the last line is complete."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.split(b"\n")
