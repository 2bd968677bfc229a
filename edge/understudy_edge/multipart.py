"""``multipart/form-data`` while it arrives: from pieces of a body, cut anywhere, to parts. Pure."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy_edge.disposition import parse_disposition
from understudy_edge.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_HEAD: Final = 16 * 1024
"""Bytes of a part's headers, and of what may stand before the first part."""
_LONGEST_PADDING: Final = 256
_BOUNDARY: Final = re.compile(
    r";\s*boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))\s*(?:;|$)", re.IGNORECASE
)
_AS_IS: Final = frozenset({"binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part. ``filename`` is None for a plain field."""

    name: str
    filename: str | None


class End(enum.Enum):
    """What ends."""

    PART = enum.auto()
    FORM = enum.auto()


class _Place(enum.Enum):
    PREAMBLE = enum.auto()
    BOUNDARY = enum.auto()
    HEAD = enum.auto()
    DATA = enum.auto()
    EPILOGUE = enum.auto()


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts. Raises ``Problem`` for a body that is no form."""
    kind, _, _ = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        raise Problem(
            "INVALID_VALUE",
            f"Invalid Content-Type header ({_ascii(kind.strip())}), expected multipart/form-data. (HINT: If "
            "you're using curl, you can pass -H 'Content-Type: multipart/form-data')",
        )
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise broken("its Content-Type names no boundary")
    return (found[1] or found[2]).encode("utf-8", "surrogateescape")


def broken(what: str) -> Problem:
    return Problem("INVALID_VALUE", f"We could not parse the form of your request: {what}.")


class FormParser:
    """Gives a ``Part``, its bytes in any number of pieces, ``End.PART``; and so on; then ``End.FORM``.

    Holds no more than what it was fed last and a part's headers. What follows the form is ignored.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # A form begins with a delimiter that has no line before it.
        self._held = b"\r\n"
        self._place = _Place.PREAMBLE

    @property
    def ended(self) -> bool:
        return self._place is _Place.EPILOGUE

    def feed(self, data: bytes) -> Iterator[Part | bytes | End]:
        """Raises ``Problem``. To be read to its end before the next piece is fed."""
        self._held += data
        while True:
            match self._place:
                case _Place.PREAMBLE:
                    if not self._skip_to_delimiter():
                        return
                case _Place.BOUNDARY:
                    if not self._pass_boundary():
                        return
                    if self.ended:
                        yield End.FORM
                case _Place.HEAD:
                    head = self._take_head()
                    if head is None:
                        return
                    self._place = _Place.DATA
                    yield _part(head)
                case _Place.DATA:
                    piece, ends = self._take_data()
                    if piece:
                        yield piece
                    if not ends:
                        return
                    self._place = _Place.BOUNDARY
                    yield End.PART
                case _Place.EPILOGUE:
                    self._held = b""
                    return

    def _skip_to_delimiter(self) -> bool:
        at = self._held.find(self._delimiter)
        if at > _LONGEST_HEAD or (at < 0 and len(self._held) > _LONGEST_HEAD):
            raise broken("it does not begin with its boundary")
        if at < 0:
            return False
        self._held = self._held[at + len(self._delimiter) :]
        self._place = _Place.BOUNDARY
        return True

    def _pass_boundary(self) -> bool:
        if self._held.startswith(b"--"):
            self._place = _Place.EPILOGUE
            return True
        at = self._held.find(b"\r\n")
        length = len(self._held) if at < 0 else at
        padding = self._held[:length].strip(b" \t")
        # What is not here yet may complete a line end, or the mark of the last boundary.
        unfinished = at < 0 and padding in (b"-", b"\r")
        if (padding and not unfinished) or length > _LONGEST_PADDING:
            raise broken("there is text behind a boundary")
        if at < 0:
            return False
        # The line end stays: headers begin behind one, even if there are none.
        self._held = self._held[at:]
        self._place = _Place.HEAD
        return True

    def _take_head(self) -> bytes | None:
        at = self._held.find(b"\r\n\r\n")
        if at > _LONGEST_HEAD or (at < 0 and len(self._held) > _LONGEST_HEAD):
            raise broken("the headers of a part are too long")
        if at < 0:
            return None
        head, self._held = self._held[2:at], self._held[at + 4 :]
        return head

    def _take_data(self) -> tuple[bytes, bool]:
        at = self._held.find(self._delimiter)
        if at >= 0:
            piece, self._held = self._held[:at], self._held[at + len(self._delimiter) :]
            return piece, True
        # The rest may be the beginning of a delimiter.
        whole = max(0, len(self._held) - len(self._delimiter) + 1)
        piece, self._held = self._held[:whole], self._held[whole:]
        return piece, False


def _part(head: bytes) -> Part:
    headers = _headers(head)
    encoding = headers.get("content-transfer-encoding", "binary")
    if encoding.lower() not in _AS_IS:
        raise broken("a part has a Content-Transfer-Encoding, which is not supported")
    if "content-disposition" not in headers:
        raise broken("a part has no Content-Disposition")
    try:
        kind, parameters = parse_disposition(headers["content-disposition"])
    except ValueError as error:
        raise broken("the Content-Disposition of a part is malformed") from error
    if kind != "form-data" or "name" not in parameters:
        raise broken("a part has no name")
    return Part(parameters["name"], parameters.get("filename"))


def _headers(head: bytes) -> dict[str, str]:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        raise broken("the headers of a part are not UTF-8") from error
    headers: dict[str, str] = {}
    for line in text.split("\r\n") if text else ():
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name in headers or {"\r", "\n"} & {*line} or name[0] in " \t":
            raise broken("the headers of a part are malformed")
        headers[name] = value.strip()
    return headers


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
