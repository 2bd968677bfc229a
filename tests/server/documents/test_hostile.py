"""Files that nobody should upload: each ends as text or as a refusal that says why, and none takes the server along."""

from __future__ import annotations

import random
import struct
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.documents import samples
from tests.server.documents.reading import opened, read
from understudy_server.documents.content import MAX_TEXT
from understudy_server.errors import InvalidFile

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + f"]><w:document {samples.WORD}><w:body>{samples.paragraph('&a11;')}</w:body></w:document>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    f"<w:document {samples.WORD}><w:body>{samples.paragraph('name: &x;')}</w:body></w:document>"
)


def many_objects(count: int) -> bytes:
    return samples.pdf_of(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"]
        + ["<< >>"] * count
    )


def same_page(count: int) -> bytes:
    """A tree of pages in which the same page comes again and again."""
    return samples.pdf_of(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            f"<< /Type /Pages /Count {count} /Kids [{'3 0 R ' * min(count, 100_000)}] >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        ]
    )


def endless_pages() -> bytes:
    return samples.pdf_of(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Count 2147483647 /Kids [2 0 R 2 0 R] >>",
        ]
    )


def too_much_html() -> bytes:
    return b"<p>" + b"many words " * (MAX_TEXT // 11 + 1)


Data: TypeAlias = bytes | Callable[[], bytes]
"""What is large is made when it is needed."""

REFUSED: dict[str, tuple[str, Data, str]] = {
    "empty": ("a.txt", b"", "is empty"),
    "white space": ("a.md", b" \r\n\t\n" * 1000, "has no text"),
    "zeros": ("a.txt", b"\0" * 100_000, "does not hold text"),
    "an image as text": ("a.txt", PNG, "does not hold text"),
    "a program as text": ("a.py", Path(sys.executable).read_bytes()[:1_000_000], "not hold text"),
    "a PDF as text": ("a.txt", samples.pdf("x"), "does not hold text"),
    "noise as text": ("a.txt", random.Random(1).randbytes(100_000), "does not hold text"),
    "a PDF as Word": ("a.docx", samples.pdf("x"), r"is not a Word \(.docx\) document"),
    "text as PDF": ("a.pdf", b"hello", "is not a PDF"),
    "text as slides": ("a.pptx", b"hello", "is not a PowerPoint"),
    "Word as slides": ("a.pptx", samples.word("x"), "broken"),
    "slides as Word": ("a.docx", samples.slides("x"), "broken"),
    "old Word": ("a.docx", b"\xd0\xcf\x11\xe0" + b"\0" * 1000, "encrypted, or of an older"),
    "an empty archive": ("a.docx", b"PK\x05\x06" + b"\0" * 18, "broken"),
    "half a Word file": ("a.docx", samples.word("x" * 1000)[:9000], "broken"),
    "a broken PDF": ("a.pdf", b"%PDF-1.7\n" + b"garbage " * 1000, "broken"),
    "an encrypted PDF": ("a.pdf", samples.pdf("x", encrypt=samples.ENCRYPTED), "needs a password"),
    "a PDF without text": ("a.pdf", samples.pdf(""), "has no text"),
    "a PDF of the same page": ("a.pdf", partial(same_page, 3000), "has no text"),
    "a PDF whose pages never end": ("a.pdf", endless_pages(), "broken|no text|too long"),
    "a PDF of many objects": ("a.pdf", partial(many_objects, 200_000), "broken|no text"),
    "a Word file that says too much": (
        "a.docx",
        partial(samples.bomb, "docx", 600 * 1024**2),
        "unpacks to",
    ),
    "a bomb in Word": ("a.docx", partial(samples.bomb, "docx", 300 * 1024**2), "broken|memory"),
    "a bomb in slides": ("a.pptx", partial(samples.bomb, "pptx", 300 * 1024**2), "broken|memory"),
    "Word without a document": ("a.docx", samples.word_xml("not XML"), "broken"),
    "deep XML": ("a.docx", samples.word_body("<w:x>" * 5000 + "</w:x>" * 5000), "broken"),
    "a million laughs": ("a.docx", samples.word_xml(LAUGHS), "broken|no text|memory"),
    "too much HTML": ("a.html", too_much_html, "too large"),
    "HTML without text": ("a.html", b"<script>let a = 1</script>" * 1000, "has no text"),
    "half a pair of UTF-16": ("a.txt", b"\xff\xfe" + b"\0\xd8" * 1000, "does not hold text"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused(name: str) -> None:
    filename, data, message = REFUSED[name]
    async with opened(memory=512 * 1024**2, timeout=100, patience=1000) as documents:
        with pytest.raises(InvalidFile, match=message):
            await read(documents, filename, data() if callable(data) else data)


TAKEN: dict[str, tuple[str, bytes, str]] = {
    "UTF-8 with a broken byte": ("a.txt", "é".encode() * 50 + b"\xff", "é" * 50 + "\ufffd"),
    "text with zeros": ("a.txt", b"a" * 100 + "\ud800".encode("utf-8", "surrogatepass"), "a" * 100),
    "another file": ("a.docx", samples.word_xml(OUTSIDE), "name:"),
    "unclosed HTML": ("a.html", b"<p>text" + b"<div><a href='" * 1000, "text"),
    "broken markup": ("a.html", b"text" + b"<!" * 1000, "text"),
    "a deep PDF": ("a.pdf", samples.pdf("text") + b"[" * 100_000, "text"),
    "an archive with a tail": ("a.docx", samples.word("text") + b"x" * 1000, "text"),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_what_is_taken(name: str) -> None:
    filename, data, expected = TAKEN[name]
    async with opened(memory=512 * 1024**2, patience=1000) as documents:
        assert (await read(documents, filename, data)).startswith(expected)


async def test_a_page_that_unpacks_to_too_much() -> None:
    async with opened(memory=256 * 1024**2, patience=1000) as documents:
        with pytest.raises(InvalidFile):
            await read(documents, "a.pdf", samples.deflated_pdf(600 * 1024**2))


def _mutated(source: bytes, places: list[tuple[int, int]]) -> bytes:
    data = bytearray(source)
    for place, byte in places:
        data[place % len(data)] = byte
    return bytes(data)


def _unpacked(source: bytes) -> bytes:
    """Stored rather than deflated, so that a changed byte reaches the XML."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(source)) as parts, zipfile.ZipFile(out, "w") as package:
        for name in parts.namelist():
            package.writestr(name, parts.read(name))
    return out.getvalue()


SOURCES = {
    ".pdf": samples.pdf("some text", "more of it"),
    ".docx": _unpacked(samples.word("some text")),
    ".pptx": _unpacked(samples.slides("some text")),
    ".html": b"<html><body><p>some &amp; <b>text</b></p><table><tr><td>1</table></body></html>",
    ".txt": b"",
}


@given(
    st.sampled_from(sorted(SOURCES)),
    st.one_of(
        st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), max_size=30),
        st.binary(max_size=500),
    ),
)
@settings(max_examples=60)
async def test_any_bytes_are_text_or_refused(
    kind: str, change: bytes | list[tuple[int, int]]
) -> None:
    source = SOURCES[kind]
    data = change if isinstance(change, bytes) else _mutated(source or b"\0", change)
    async with opened() as documents:
        try:
            text = await read(documents, f"a{kind}", data)
        except InvalidFile as error:
            text = error.message
    assert text.strip()
    assert "\0" not in text
    text.encode()
