"""Values and texts that nobody expects where they stand."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

DEEP = 300
"""Levels of nesting: more than some JSON writers take."""


def _nested() -> Any:
    value: Any = 1
    for _ in range(DEEP):
        value = [value]
    return value


TEXTS: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "a\x00b\r\n\x1b[31mred",
            "\u202eabc\u2028\ufeff",
            "👩‍👩‍👧 e\u0301",
            "x" * 20_000,
            "sk-abcdefghijklmnop",
            "{key}",
            "data: [DONE]",
            "Grüße 😀",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
"""Whatever a text may be. ``{key}`` is replaced by the caller's key."""

NUMBERS: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, -1, 2, 7, 2**31, 2**53, 2**63, 2**64, 10**30, -(2**63), 0.5, 1e308, True, False]
)

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    NUMBERS,
    TEXTS,
    st.sampled_from([[], {}, [[]], [None], {"": None}, {"error": {}}, [{"type": "x"}]]),
    st.builds(_nested),
)

NAMES: st.SearchStrategy[str] = st.sampled_from(["f", "g", "unknown", "", "ü\x00", "f" * 300, " f"])

ARGUMENTS: st.SearchStrategy[str] = st.sampled_from(
    ["{}", '{"a": "ü"}', "", "{", "nonsense", "[1]", '"x"', "{}{}", "\x00", "9" * 5_000]
)

NOISE: st.SearchStrategy[bytes] = st.one_of(
    st.sampled_from(
        [
            b"",
            b"\x00",
            b"\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x15\x03\x01\x00\x02\x02\x28",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"<html>hello</html>",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 twohundred OK\r\n\r\n",
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
            b"HTTP/1.1 -200 OK\r\n\r\n",
            b"HTTP/1.1 99999 OK\r\n\r\n",
        ]
    ),
    st.binary(max_size=60),
)


def cut(draw: st.DrawFn, data: bytes, *, most: int = 6) -> list[bytes]:
    """``data`` in pieces that begin anywhere."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=most))
    ends = [*sorted(places), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]
