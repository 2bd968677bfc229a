"""The text of a segment, read without its vectors."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.store.v1.records_pb2 import Blob, Segment
from understudy_server.vectors import segments


class Reading(MemoryBlobs):
    """Gives the bytes in small pieces, and counts them."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__()
        self._content = content
        self._piece = piece
        self.read_bytes = 0

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        for at in range(0, len(self._content), self._piece):
            piece = self._content[at : at + self._piece]
            self.read_bytes += len(piece)
            yield piece


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
@pytest.mark.parametrize("text", ["", "a", "Größe" * 50, "x" * 127, "x" * 128, "大" * 20_000])
async def test_the_text_comes_back(text: str, piece: int) -> None:
    segment = Segment(text=text, bounds=[0, len(text)], embedding="a/b", vectors=bytes(5000))
    content = segment.SerializeToString()
    blobs = Reading(content, piece)
    assert await segments.text(blobs, Blob(key="k", bytes=len(content))) == text
    if text:
        assert blobs.read_bytes < len(content) - 5000 + piece + 100
