"""The segment of a file: its text, where its chunks are, and a vector for each, as the bytes of one blob. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from understudy_server.embeddings.port import Vectors
from understudy_server.store.v1.records_pb2 import Segment as SegmentRecord

_BEFORE_VECTORS: Final = frozenset(
    number << 3 | 2
    for number in (SegmentRecord.TEXT_FIELD_NUMBER, SegmentRecord.BOUNDS_FIELD_NUMBER)
)
"""The first byte of a field with a length."""

_STORED: Final = np.dtype("<f4")

Bounds: TypeAlias = npt.NDArray[np.int32]
"""Shape (chunks, 2): begin and end of each chunk, in characters; the end is exclusive."""


class BrokenSegment(ValueError):
    """Bytes that are no segment, or whose parts do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    text: str
    bounds: Bounds
    embedding: str = ""
    """The model of the vectors, ``provider/model``; empty: there are none."""
    vectors: Vectors | None = None
    """Shape (chunks, dimensions), float32."""

    def chunk(self, number: int) -> str:
        begin, end = self.bounds[number]
        return self.text[begin:end]


def encode(
    text: str,
    bounds: Sequence[tuple[int, int]],
    *,
    embedding: str = "",
    vectors: Vectors | None = None,
) -> bytes:
    """The bytes of a segment; ``vectors`` has a row for each chunk, and goes with the name of its model.

    Raises ``BrokenSegment`` for parts that do not fit together.
    """
    record = SegmentRecord(text=text, embedding=embedding)
    record.bounds.extend(place for pair in bounds for place in pair)
    if vectors is not None:
        record.dimensions = vectors.shape[1]
        record.vectors = np.ascontiguousarray(vectors, dtype=_STORED).tobytes()
    _checked(record)
    return record.SerializeToString()


def decode(content: bytes) -> Segment:
    """The opposite of ``encode``. Raises ``BrokenSegment``."""
    try:
        return _checked(SegmentRecord.FromString(content))
    except DecodeError as error:
        raise BrokenSegment("these bytes are no segment") from error


def end_of_text(beginning: bytes | bytearray) -> int | None:
    """Where the text and its chunks end, and the vectors begin; None if more bytes are needed to tell.

    Fields are written in the order of their numbers, so a reader of texts can leave the vectors, which are most of
    the bytes, unread.
    """
    at = 0
    while at < len(beginning):
        if beginning[at] not in _BEFORE_VECTORS:
            return at
        length = shift = 0
        place = at + 1
        while True:
            if place == len(beginning) or shift > 35:
                return None
            length |= (beginning[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if not beginning[place - 1] & 0x80:
                break
        at = place + length
    return None


def _checked(record: SegmentRecord) -> Segment:
    places = np.fromiter(record.bounds, dtype=np.int32, count=len(record.bounds))
    if len(places) % 2:
        raise BrokenSegment("a chunk without an end")
    bounds = places.reshape(-1, 2)
    begins, ends = bounds[:, 0], bounds[:, 1]
    if np.any(begins < 0) or np.any(ends < begins) or np.any(ends > len(record.text)):
        raise BrokenSegment("a chunk outside the text")
    vectors: Vectors | None = None
    if record.embedding or record.dimensions or record.vectors:
        size = len(bounds) * record.dimensions * _STORED.itemsize
        if not record.embedding or record.dimensions < 1 or len(record.vectors) != size:
            raise BrokenSegment("vectors that do not fit the chunks")
        stored = np.frombuffer(record.vectors, dtype=_STORED)
        vectors = stored.reshape(len(bounds), record.dimensions).astype(np.float32, copy=False)
    return Segment(text=record.text, bounds=bounds, embedding=record.embedding, vectors=vectors)
