"""Forms cut anywhere, and forms that are none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_edge.form import MOST_PARTS, MOST_TEXT, Form
from understudy_edge.multipart import boundary_of
from understudy_edge.problems import Problem

BOUNDARY = b"b0"
FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"'


def part(head: bytes, body: bytes) -> bytes:
    return b"--b0\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def field(name: str, text: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"'.encode(), text)


def form_of(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b0--\r\n"


def parse(pieces: Iterable[bytes], *, name: str = "file", named: bool = True) -> tuple[Form, bytes]:
    form = Form(BOUNDARY, name=name, named=named)
    data = b"".join(piece for each in pieces for piece in form.feed(each))
    form.close()
    return form, data


WHOLE = form_of(
    field("purpose", b"assistants"), part(FILE, b"hello\r\n--b\r\n"), field("x[y]", b"")
)


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_a_form_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[a:b] for a, b in itertools.pairwise(places)]
    form, data = parse(pieces)
    assert data == b"hello\r\n--b\r\n"
    assert form.fields == {"purpose": "assistants", "x[y]": ""}
    assert form.filename == "a.txt"


def test_byte_by_byte() -> None:
    form, data = parse(WHOLE[i : i + 1] for i in range(len(WHOLE)))
    assert (form.filename, len(data), len(form.fields)) == ("a.txt", 12, 2)


@given(body=st.binary(max_size=200), size=st.integers(1, 50))
def test_any_bytes_come_back(body: bytes, size: int) -> None:
    if b"\r\n--b0" in b"\r\n" + body + b"\r\n":
        return
    whole = form_of(part(FILE, body))
    _, data = parse(whole[i : i + size] for i in range(0, len(whole), size))
    assert data == body


@pytest.mark.parametrize(
    "body",
    [
        form_of(part(FILE, b"x")) + b"an epilogue --b0\r\n" * 2000,
        b"a preamble\r\n" + form_of(part(FILE, b"x")),
        b"--b0 \t\r\n" + FILE + b"\r\n\r\nx\r\n--b0--",
        b"--b0\r\ncontent-type: x\r\nX: y\r\n" + FILE + b"\r\n\r\nx\r\n--b0--",
        form_of(part(FILE + b"\r\nContent-Transfer-Encoding: binary", b"x")),
    ],
)
def test_forms_that_are_fine(body: bytes) -> None:
    assert parse([body])[1] == b"x"


LONG = b"x" * 20_000
MALFORMED = [
    (b"", "it ends in the middle"),
    (b"{}", "it ends in the middle"),
    (LONG, "does not begin with its boundary"),
    (b"--b1\r\n" + FILE + b"\r\n\r\nx\r\n--b1--", "it ends in the middle"),
    (b"--b0x\r\n", "text behind a boundary"),
    (b"--b0 -x", "text behind a boundary"),
    (b"--b0" + b" " * 300, "text behind a boundary"),
    (b"--b0\r\n" + LONG, "headers of a part are too long"),
    (WHOLE[:-12], "it ends in the middle"),
    (form_of(part(b"X: y", b"")), "no Content-Disposition"),
    (form_of(b"--b0\r\n\r\nx\r\n"), "no Content-Disposition"),
    (form_of(part(b"no colon", b"")), "malformed"),
    (form_of(part(FILE + b"\r\n folded", b"")), "malformed"),
    (form_of(part(FILE + b"\r\n" + FILE, b"")), "malformed"),
    (form_of(part(FILE + b"\nX: y", b"")), "malformed"),
    (form_of(part(b"Content-Disposition: form-data; name=\xff", b"")), "not UTF-8"),
    (form_of(part(b"Content-Disposition: attachment; name=a", b"")), "no name"),
    (form_of(part(b"Content-Disposition: form-data; filename=a", b"")), "no name"),
    (form_of(part(b'Content-Disposition: form-data; name="a', b"")), "malformed"),
    (form_of(part(FILE + b"\r\nContent-Transfer-Encoding: base64", b"")), "not supported"),
    (form_of(*[field(str(i), b"") for i in range(MOST_PARTS + 1)]), "more than 100 parts"),
    (form_of(field("a", b"x" * MOST_TEXT), field("b", b"x")), "more than 65536 bytes"),
]


@pytest.mark.parametrize(("body", "told"), MALFORMED)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_is_wrong_is_said(body: bytes, told: str, size: int) -> None:
    with pytest.raises(Problem, match=told) as raised:
        parse(body[i : i + size] for i in range(0, len(body), size))
    assert raised.value.reason == "INVALID_VALUE"


NAMELESS = b'Content-Disposition: form-data; name="file"'


@pytest.mark.parametrize(
    ("body", "reason", "param"),
    [
        (form_of(field("purpose", b"x")), "MISSING_REQUIRED_PARAMETER", "file"),
        (form_of(part(FILE, b""), part(FILE, b"")), "INVALID_VALUE", "file"),
        (form_of(field("a", b""), field("a", b"")), "INVALID_VALUE", "a"),
        (form_of(part(NAMELESS, b"x")), "INVALID_VALUE", "file"),
        (form_of(part(NAMELESS + b'; filename=""', b"x")), "INVALID_VALUE", "file"),
        (form_of(part(FILE.replace(b'"file"', b'"b"'), b"x")), "INVALID_TYPE", "b"),
        (form_of(field("purpose", b"\xff")), "INVALID_VALUE", "purpose"),
    ],
)
def test_parts_that_do_not_fit(body: bytes, reason: str, param: str) -> None:
    with pytest.raises(Problem) as raised:
        parse([body])
    assert (raised.value.reason, raised.value.param) == (reason, param)


def test_a_part_of_bytes_needs_no_name_where_none_is_kept() -> None:
    form, data = parse([form_of(part(NAMELESS, b"x"))], named=False)
    assert (data, form.filename) == (b"x", "")


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b:c"', b"a b:c"),
        ("multipart/form-data;boundary=----x'()+_,-./:=?", b"----x'()+_,-./:=?"),
    ],
)
def test_boundaries(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("", r"Invalid Content-Type header \(\), expected multipart/form-data"),
        ("application/json", r"Invalid Content-Type header \(application/json\), expected"),
        ("multipart/mixed; boundary=a", "expected multipart/form-data"),
        ("multipart/form-data", "names no boundary"),
        ("multipart/form-data; boundary=", "names no boundary"),
        ("multipart/form-data; boundary=" + "x" * 1000, "names no boundary"),
    ],
)
def test_what_is_no_form(content_type: str, told: str) -> None:
    with pytest.raises(Problem, match=told):
        boundary_of(content_type)


def test_little_is_held() -> None:
    form = Form(BOUNDARY, name="file", named=True)
    list(form.feed(b"--b0\r\n" + FILE + b"\r\n\r\n"))
    largest = max(
        len(form._parser._held) for _ in range(50) for _ in form.feed(b"\r\n--b" + b"x" * 9_995)
    )
    assert largest < 10_100
