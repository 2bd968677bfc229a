from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_server.documents.content import Content, clean
from understudy_server.documents.decoding import decode
from understudy_server.errors import InvalidFile

GERMAN = "Ein schöner Tag für große Bären in München, daß es überall blüht. " * 5
JAPANESE = "日本語のテキストです。これは長い文章です。" * 10
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему. " * 5


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((GERMAN, encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1")),
        *((JAPANESE, encoding) for encoding in ("utf-8", "utf-16", "shift_jis", "euc_jp")),
        *((RUSSIAN, encoding) for encoding in ("utf-8", "cp1251", "koi8-r", "utf-16")),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        ("", "utf-8"),
        ("a", "ascii"),
    ],
)
def test_text_of_any_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_big_endian_with_its_mark() -> None:
    assert decode(b"\xfe\xff" + GERMAN.encode("utf-16-be")) == GERMAN


def test_a_broken_byte_spoils_nothing_else() -> None:
    data = GERMAN.encode()
    assert decode(data[:4] + b"\xff" + data[4:]).replace("\ufffd", "") == GERMAN
    assert decode(JAPANESE.encode()[:-1]).rstrip("\ufffd") == JAPANESE[:-1]


def test_a_document_may_say_its_encoding() -> None:
    assert decode("Łódź".encode("iso8859-2"), declared="ISO-8859-2") == "Łódź"
    assert decode("Łódź".encode(), declared="iso-8859-2") == "Łódź"
    assert decode("daß es".encode("latin-1"), declared="no-such-thing")
    assert decode("daß es".encode("latin-1"), declared="hex")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        bytes(range(256)) * 8,
        b"\0" * 100,
        b"\xff\xfe" + b"\0\xd8" * 100,
        b"\x00\x01\x02\x03",
    ],
)
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(InvalidFile, match="does not hold text"):
        decode(data)


@given(st.binary(max_size=2000))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    content = Content()
    try:
        content.add(decode(data))
        text = content.text()
    except InvalidFile:
        return
    assert "\0" not in text
    text.encode()


def test_what_no_text_holds_is_removed() -> None:
    assert clean("a\0b\ud800c\r\nd\re\x1bf\ufeffg\fh\ti") == "abc\nd\nefg\fh\ti"


def test_there_may_be_too_much() -> None:
    content = Content(limit=10)
    content.add("123456789")
    with pytest.raises(InvalidFile, match="too large"):
        content.add("éé")


@pytest.mark.parametrize("text", ["", " \n\t\f ", "\0\0"])
def test_there_may_be_none(text: str) -> None:
    content = Content()
    content.add(text)
    with pytest.raises(InvalidFile, match="has no text"):
        content.text()
