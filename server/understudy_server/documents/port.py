"""The document port: from the bytes of a file to its text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class Documents(Protocol):
    async def text(self, filename: str, chunks: AsyncIterator[bytes]) -> str:
        """The text of a document, by its extension and its bytes.

        Bounded in memory and time, whatever the bytes are; cancelling the caller ends the work. Raises
        ``UnsupportedFile``, ``InvalidFile``, what ``chunks`` raises, and ``OSError`` where the machine has no process
        or no disk for it, which may be otherwise the next time.
        """
        ...

    async def close(self) -> None: ...
