from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from understudy_server.blobs.port import CHUNK
from understudy_server.embeddings.port import Vectors
from understudy_server.errors import EmbeddingError, InvalidFile
from understudy_server.ingest.segment import AT_ONCE, pieces
from understudy_server.retrieval.segment import decode


class Counting:
    """Implements ``Embeddings``: the first number of a vector is how many texts came before."""

    name = "counting/model"

    def __init__(self, dimensions: Sequence[int] = (3,)) -> None:
        self._dimensions = list(dimensions)
        self.count = 0

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        size = self._dimensions.pop(0) if len(self._dimensions) > 1 else self._dimensions[0]
        found = np.zeros((len(texts), size), dtype=np.float32)
        found[:, 0] = range(self.count, self.count + len(texts))
        self.count += len(texts)
        return found

    async def close(self) -> None:
        return


BOUNDS = [(number, number + 10) for number in range(0, 6000, 5)]
TEXT = "é" * 6005


async def test_what_is_written_in_pieces_is_a_segment() -> None:
    found = [piece async for piece in pieces(TEXT, BOUNDS, Counting())]
    assert len(found) > len(BOUNDS) // AT_ONCE
    assert max(map(len, found)) <= CHUNK
    segment = decode(b"".join(found))
    assert segment.text == TEXT
    assert segment.bounds.tolist() == [list(pair) for pair in BOUNDS]
    assert segment.embedding == "counting/model"
    assert segment.vectors is not None
    assert segment.vectors.shape == (len(BOUNDS), 3)
    assert segment.vectors[:, 0].tolist() == list(range(len(BOUNDS)))


async def test_without_vectors() -> None:
    segment = decode(b"".join([piece async for piece in pieces(TEXT, BOUNDS, None)]))
    assert (segment.text, segment.embedding, segment.vectors) == (TEXT, "", None)


async def test_vectors_of_changing_length_are_refused() -> None:
    with pytest.raises(EmbeddingError, match="another shape"):
        async for _ in pieces(TEXT, BOUNDS, Counting([3, 4])):
            pass


async def test_more_than_can_be_read_again_is_refused() -> None:
    bounds = [(0, 1)] * 200_000
    with pytest.raises(InvalidFile, match="too large"):
        async for _ in pieces(TEXT, bounds, Counting([3072])):
            pass
