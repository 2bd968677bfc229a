"""A segment as the bytes of its blob, made as they are written: the vectors of a large file are never all in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np

from understudy_server.blobs.port import CHUNK
from understudy_server.embeddings.port import Embeddings
from understudy_server.errors import EmbeddingError, InvalidFile
from understudy_server.store.v1.records_pb2 import Segment

AT_ONCE = 256
"""Chunks whose vectors are asked for in one go."""

MOST = 2_000_000_000
"""Bytes: protobuf reads no message of more than two gigabytes."""

_VECTORS_TAG = Segment.VECTORS_FIELD_NUMBER << 3 | 2


async def pieces(
    text: str, bounds: Sequence[tuple[int, int]], embeddings: Embeddings | None
) -> AsyncIterator[bytes]:
    """A ``Segment``, in pieces. Raises ``EmbeddingError``, and ``InvalidFile`` for one that would be too large."""
    segment = Segment(text=text)
    segment.bounds.extend(place for pair in bounds for place in pair)
    if embeddings is None:
        for piece in _cut(segment.SerializeToString()):
            yield piece
        return
    dimensions = 0
    for start in range(0, len(bounds), AT_ONCE):
        texts = [text[begin:end] for begin, end in bounds[start : start + AT_ONCE]]
        vectors = await embeddings.embed(texts, of="passage")
        if not start:
            dimensions = vectors.shape[1]
            for piece in _cut(_head(segment, embeddings.name, dimensions, len(bounds))):
                yield piece
        if vectors.shape != (len(texts), dimensions):
            raise EmbeddingError(f"{embeddings.name} gave vectors of another shape.")
        yield np.ascontiguousarray(vectors, dtype="<f4").tobytes()


def _head(segment: Segment, name: str, dimensions: int, chunks: int) -> bytes:
    """Everything before the first vector."""
    size = chunks * dimensions * 4
    if size > MOST:
        raise InvalidFile(
            "The file is too large: choose larger chunks, or vectors that are shorter."
        )
    segment.embedding = name
    segment.dimensions = dimensions
    # Fields are written in the order of their numbers, and the vectors come last.
    return segment.SerializeToString() + bytes([_VECTORS_TAG]) + _varint(size)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]
