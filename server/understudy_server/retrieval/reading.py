"""Segments from their blobs, and the texts of those that results came from."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import structlog

from understudy_server.blobs.port import Blobs
from understudy_server.errors import BlobMissing
from understudy_server.retrieval.segment import BrokenSegment, Segment, decode, end_of_text

T = TypeVar("T")


class Segments:
    """Reads and decodes; ``executor`` does what takes time."""

    def __init__(self, blobs: Blobs, executor: Executor) -> None:
        self._blobs = blobs
        self._executor = executor
        self._log = structlog.get_logger()

    async def read(self, key: str, *, vectors: bool = True) -> Segment | None:
        """None for one that is not there: its file left the store a moment ago. Raises ``BlobsUnavailable``."""
        try:
            content = await self._content(key, vectors=vectors)
            return await self.apart(lambda: decode(content))
        except BlobMissing:
            self._log.info("segment_gone", key=key)
        except BrokenSegment as error:
            self._log.error("segment_broken", key=key, reason=str(error))
        return None

    async def _content(self, key: str, *, vectors: bool) -> bytes:
        content = bytearray()
        end: int | None = None
        async with aclosing(self._blobs.read(key)) as chunks:
            async for chunk in chunks:
                content += chunk
                if not vectors and (end := end_of_text(content)) is not None:
                    break
        return bytes(content[:end])

    async def apart(self, work: Callable[[], T]) -> T:
        """The result of ``work``, which does not hold up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


class Texts:
    """The texts that were read last, without their vectors; ``room``: bytes that they may take."""

    def __init__(self, segments: Segments, room: int) -> None:
        self._segments = segments
        self._room = room
        self._known: OrderedDict[str, Segment] = OrderedDict()
        self.bytes = 0

    async def get(self, key: str) -> Segment | None:
        """As ``Segments.read``."""
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        segment = await self._segments.read(key, vectors=False)
        if segment is None:
            return None
        # A copy, since the bounds may lie in the bytes of the whole blob.
        segment = replace(segment, bounds=segment.bounds.copy(), embedding="", vectors=None)
        if key not in self._known:
            self._known[key] = segment
            self.bytes += _size(segment)
        while self.bytes > self._room:
            _, oldest = self._known.popitem(last=False)
            self.bytes -= _size(oldest)
        return segment


def _size(segment: Segment) -> int:
    # Python takes up to four bytes for each character of a text, and needs no more for most.
    widest = 1 if segment.text.isascii() else 4
    return 500 + widest * len(segment.text) + segment.bounds.nbytes
