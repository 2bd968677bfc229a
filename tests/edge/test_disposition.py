"""Names in headers, as clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_edge.disposition import attachment, parse_disposition


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        ('form-data; name="file"; filename="a.txt"', "a.txt"),
        ("form-data; name=file; filename=a.txt", "a.txt"),
        ('form-data;name="file";filename="a b;c=d.txt"', "a b;c=d.txt"),
        ('FORM-DATA; NAME="file"; FILENAME="a.txt"', "a.txt"),
        ('form-data; name="file"; filename="grüße 文件.txt"', "grüße 文件.txt"),
        # Quotes behind a backslash (Go, curl), and percent-encoded (browsers, Python).
        ('form-data; name="file"; filename="a\\"b\\\\c.txt"', 'a"b\\c.txt'),
        ('form-data; name="file"; filename="a%22b%0D%0Ac.txt"', 'a"b\r\nc.txt'),
        # Nothing else is encoded.
        ('form-data; name="file"; filename="100%25.txt"', "100%25.txt"),
        ('form-data; name="file"; filename="C:\\dir\\a.txt"', "C:\\dir\\a.txt"),
        ('form-data; filename="ends in \\"; name="file"', "ends in \\"),
        ('form-data; name="file"; filename="../../etc/passwd"', "../../etc/passwd"),
        ('form-data; name="file"; filename=""', ""),
        ("form-data; name=file; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("form-data; name=file; filename*=iso-8859-1'en'%A3.txt", "£.txt"),
        ("form-data; name=file; filename=\"_.txt\"; filename*=utf-8''%C3%A9.txt", "é.txt"),
    ],
)
def test_names_of_files(header: str, filename: str) -> None:
    assert parse_disposition(header) == ("form-data", {"name": "file", "filename": filename})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "form-data name=file",
        "form-data; name",
        "form-data; name=",
        'form-data; name="file',
        'form-data; name="a"b"',
        "form-data; name=a; name=b",
        'form-data; name="a"; filename="x"; FILENAME="y"',
        "form-data; name=a; filename*=x.txt",
        "form-data; name=a; filename*=koi8-r''%C1.txt",
        "form-data; name=a; filename*=UTF-8''%ff.txt",
    ],
)
def test_what_is_no_header(header: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_disposition(header)


@given(filename=st.text(st.characters(codec="utf-8"), min_size=1))
def test_what_browsers_and_others_write_comes_back(filename: str) -> None:
    percent = {'"': "%22", "\r": "%0D", "\n": "%0A"}
    if not any(word in filename for word in percent.values()) and "\\" not in filename:
        browsers = "".join(percent.get(char, char) for char in filename)
        assert parse_disposition(f'a; name=f; filename="{browsers}"')[1]["filename"] == filename
        others = filename.replace('"', '\\"')
        assert parse_disposition(f'a; name=f; filename="{others}"')[1]["filename"] == filename


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a.txt", 'attachment; filename="a.txt"'),
        ("dir/sub\\a.txt", 'attachment; filename="a.txt"'),
        ("", 'attachment; filename="file"'),
        ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ('a"\r\nX: y', "attachment; filename=\"a___X_ y\"; filename*=UTF-8''a%22%0D%0AX%3A%20y"),
    ],
)
def test_offering_a_file(filename: str, header: str) -> None:
    assert attachment(filename) == header


@given(filename=st.text())
def test_every_name_can_be_a_header(filename: str) -> None:
    header = attachment(filename)
    assert header.isascii()
    assert header.isprintable()
    assert parse_disposition(header)[0] == "attachment"
