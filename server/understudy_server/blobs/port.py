"""The blob port: bytes that are too many for a record, under names that the server chooses.

A blob is written once, whole, and never changed. Records name blobs; who writes one says so in the store before
(``files/loose.py``), so that a crash leaves neither a name without bytes nor bytes without a name for ever.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

CHUNK = 256 * 1024
"""Bytes that ``read`` gives at a time, at most."""


class Blobs(Protocol):
    """Implemented by every place; one conformance suite holds for all of them.

    A key is ``<folder>/<name>`` of ASCII letters, digits, ``-`` and ``_``; ``ValueError`` for anything else.
    """

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Keeps the bytes, durably when it returns; gives their number.

        Nobody sees any of them before. If ``chunks`` raises, or the caller is cancelled, nothing is kept. A key that
        is there already is replaced. Holds a few chunks in memory, however many there are. Raises
        ``BlobsUnavailable``.
        """
        ...

    def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start``, ``length`` of them or all that follow, in chunks.

        Raises ``BlobMissing`` and ``BlobsUnavailable``, at the first chunk or later. Close it (``aclosing``) when it
        is not read to its end.
        """
        ...

    async def delete(self, key: str) -> None:
        """Removes a blob; one that is not there is no error. Raises ``BlobsUnavailable``."""
        ...

    async def ping(self) -> None:
        """Raises ``BlobsUnavailable`` unless reads and writes can be expected to work."""
        ...

    async def close(self) -> None: ...
