from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_server.retrieval.segment import BrokenSegment, decode, encode, end_of_text
from understudy_server.store.v1.records_pb2 import Segment


@given(st.text(max_size=50), st.data())
def test_what_is_encoded_is_decoded(text: str, data: st.DataObject) -> None:
    place = st.integers(0, len(text))
    bounds = data.draw(
        st.lists(st.tuples(place, place).map(lambda p: (min(p), max(p))), max_size=5)
    )
    with_vectors = data.draw(st.booleans())
    vectors = np.ones((len(bounds), 3), dtype=np.float32) if with_vectors else None
    segment = decode(encode(text, bounds, embedding="a/b" if with_vectors else "", vectors=vectors))
    assert segment.text == text
    assert segment.bounds.tolist() == [list(pair) for pair in bounds]
    assert [segment.chunk(n) for n in range(len(bounds))] == [text[b:e] for b, e in bounds]
    if vectors is None:
        assert segment.vectors is None
    else:
        assert segment.vectors is not None
        assert segment.vectors.shape == (len(bounds), 3)


@given(st.text(max_size=300), st.integers(0, 60), st.booleans())
def test_the_text_can_be_read_without_the_vectors(
    text: str, count: int, with_vectors: bool
) -> None:
    vectors = np.ones((count, 3), dtype=np.float32) if with_vectors and count else None
    model = "" if vectors is None else "a/b"
    content = encode(text, [(0, len(text))] * count, embedding=model, vectors=vectors)
    end = end_of_text(content)
    assert (end is None) == (vectors is None)
    segment = decode(content[:end])
    assert segment.text == text
    assert len(segment.bounds) == count
    assert segment.vectors is None
    # Less than that is never taken for it.
    assert all(end_of_text(content[:length]) is None for length in range(end or len(content)))


@pytest.mark.parametrize(
    "record",
    [
        Segment(text="abc", bounds=[0]),
        Segment(text="abc", bounds=[-1, 2]),
        Segment(text="abc", bounds=[2, 1]),
        Segment(text="abc", bounds=[0, 4]),
        Segment(text="abc", bounds=[0, 3], embedding="a/b"),
        Segment(text="abc", bounds=[0, 3], vectors=b"1234", dimensions=1),
        Segment(text="abc", bounds=[0, 3], vectors=b"1234", dimensions=2, embedding="a/b"),
        Segment(text="abc", bounds=[0, 3], vectors=b"123", dimensions=1, embedding="a/b"),
    ],
)
def test_parts_that_do_not_fit(record: Segment) -> None:
    with pytest.raises(BrokenSegment):
        decode(record.SerializeToString())


def test_bytes_that_are_something_else() -> None:
    with pytest.raises(BrokenSegment):
        decode(b"\xff\xff")


def test_nothing_broken_is_written() -> None:
    with pytest.raises(BrokenSegment):
        encode("abc", [(0, 9)])
    with pytest.raises(BrokenSegment):
        encode("abc", [(0, 1)], embedding="a/b", vectors=np.ones((2, 3), dtype=np.float32))
