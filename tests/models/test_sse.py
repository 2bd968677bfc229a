"""Splitting an event stream, whatever the network does to it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_server.models.sse import SseSplitter


def split(*chunks: bytes) -> list[bytes]:
    splitter = SseSplitter()
    found = [data for chunk in chunks for data in splitter.feed(chunk)]
    return [*found, *splitter.end()]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b": ping\n\ndata: a\n\n: ping\n\n", [b"a"]),
        (b"\n\n\ndata: a\n\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: a\n\ndata: b\n", [b"a", b"b"]),
        (b"data\n\nnonsense\n\n", []),
        (b"", []),
    ],
)
def test_streams(stream: bytes, events: list[bytes]) -> None:
    assert split(stream) == events
    assert split(*(bytes([byte]) for byte in stream)) == events


def test_an_event_is_not_held_back() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: a\n\n") == [b"a"]
    assert splitter.feed(b"data: b\r\r") == [b"b"]


@given(
    st.lists(
        st.sampled_from([b"data: a\xc3\xbc", b": c", b"", b"\n", b"\r\n", b"\r", b"x", b"data:"])
    ),
    st.lists(st.integers(min_value=0, max_value=200)),
)
def test_any_chunking_gives_the_same_events(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    at = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(at)]
    assert split(*chunks) == split(stream)
