"""Spans of values in the text of a body."""

import pytest

from understudy_edge.codec.raw import spans
from understudy_edge.codec.words import Path

A: Path = (None, "a")

TABLE: list[tuple[bytes, Path, bytes]] = [
    (b'{"a":{}}', A, b"{}"),
    (b' { "a" : { "x" : [ ] } } ', A, b'{ "x" : [ ] }'),
    (b'{"b":"}","a":{"x":"]}\\"}\\\\"},"c":1}', A, b'{"x":"]}\\"}\\\\"}'),
    # keys may be escaped, and the last of two equal ones counts
    (b'{"\\u0061":{"x":1}}', A, b'{"x":1}'),
    (b'{"a":{"x":1},"a":{"y":2}}', A, b'{"y":2}'),
    (b'{"a":[[],{"k":0}],"a":"s","a":[1,{"k":{"v":"w"}},3]}', ((A, 1), "k"), b'{"v":"w"}'),
    (b'[[1,2,[3]],{"a":{"deep":[{},{}]}}]', ((None, 1), "a"), b'{"deep":[{},{}]}'),
    (b"[ ]", None, b"[ ]"),
    ('{"ü{":[1,"é"],"a":{"ß":"世"}}'.encode(), A, '{"ß":"世"}'.encode()),
]


@pytest.mark.parametrize(("body", "path", "text"), TABLE)
def test_finds(body: bytes, path: Path, text: bytes) -> None:
    assert spans(body, [path]) == {path: text}


def test_finds_several_at_once() -> None:
    body = b'[{"p":{"i":0}},{"p":{"i":1}},{},{"p":{"i":3}}]'
    paths: list[Path] = [((None, i), "p") for i in (3, 0, 1)]
    assert spans(body, paths) == {((None, i), "p"): b'{"i":%d}' % i for i in (0, 1, 3)}


def test_long_strings_and_deep_values_need_no_stack() -> None:
    long = b'{"x":"' + b'\\"' * 500_000 + b'"}'
    deep = b'{"x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    assert spans(b'{"a":%b}' % long, [A]) == {A: long}
    assert spans(b'{"b":%b,"a":%b}' % (deep, deep), [A]) == {A: deep}
