"""Blobs that last as long as the process: for ``memory:`` and for tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from understudy_server.blobs.keys import check_key
from understudy_server.blobs.port import CHUNK
from understudy_server.errors import BlobMissing


class MemoryBlobs:
    """Implements ``Blobs``."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._blobs)

    def __iter__(self) -> Iterator[str]:
        """The keys of all blobs."""
        return iter(sorted(self._blobs))

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        check_key(key)
        content = b"".join([chunk async for chunk in chunks])
        self._blobs[key] = content
        return len(content)

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        check_key(key)
        if key not in self._blobs:
            raise BlobMissing(f"no blob {key}")
        content = self._blobs[key]
        end = len(content) if length is None else min(start + length, len(content))
        for at in range(start, end, CHUNK):
            yield content[at : min(at + CHUNK, end)]

    async def delete(self, key: str) -> None:
        check_key(key)
        self._blobs.pop(key, None)

    async def ping(self) -> None:
        return

    async def close(self) -> None:
        return
