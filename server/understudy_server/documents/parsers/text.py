"""Plain text, of programs as well."""

from __future__ import annotations

from typing import BinaryIO

from understudy_server.documents.content import MAX_TEXT, Content, too_much
from understudy_server.documents.decoding import decode
from understudy_server.errors import InvalidFile

_BINARY = (b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x7fELF", b"MZ\x90")


def read(file: BinaryIO, content: Content) -> None:
    # No encoding needs fewer than a quarter of the bytes that UTF-8 needs, nor more than four times as many.
    data = file.read(4 * MAX_TEXT + 1)
    if len(data) > 4 * MAX_TEXT:
        raise too_much()
    if data.startswith(_BINARY):
        raise InvalidFile("The file does not hold text.")
    content.add(decode(data))
