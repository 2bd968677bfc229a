"""Keeping the index of a vector store as new as the store: only what was added is read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from understudy_server.retrieval.block import Block, join
from understudy_server.retrieval.cache import Cache, Index, added, without
from understudy_server.retrieval.listing import Listing, SearchedFile
from understudy_server.retrieval.reading import Segments

_AHEAD: Final = 4
_AHEAD_BYTES: Final = 32 * 1024 * 1024
"""Files, and bytes of them, that are read at a time; one always is."""
_GROUP: Final = 16 * 1024 * 1024
"""Bytes of blocks that are put into the index together."""


async def refresh(index: Index, listing: Listing, cache: Cache, segments: Segments) -> None:
    """Loads what fits, under the index's lock; what was loaded stays if this is cancelled.

    Raises ``BlobsUnavailable``.
    """
    gone = set(index.keys()) - listing.files.keys()
    if gone:
        index.put(await segments.apart(lambda: without(index.blocks, gone)))
    index.list(listing)
    index.absent = frozenset()
    group: list[Block] = []

    async def put() -> None:
        index.put(await segments.apart(partial(with_all, index.blocks, group)))
        group.clear()

    try:
        async with aclosing(blocks_of(_fitting(index, cache), segments)) as blocks:
            async for key, block in blocks:
                if block is None:
                    index.absent |= {key}
                    continue
                size = block.bytes + sum(each.bytes for each in group)
                if not cache.make_room(size, of=index):
                    break
                group.append(block)
                if size >= _GROUP:
                    await put()
        await put()
    finally:
        # Of a load that is cut off: the next one goes on from here. Joining them would hold up everybody.
        index.put([*index.blocks, *group])


def _fitting(index: Index, cache: Cache) -> Iterable[tuple[str, SearchedFile]]:
    there = set(index.keys())
    for key, file in index.listing.files.items():
        if key in there:
            continue
        # About as much as the file will take: reading it only to find that it does not fit costs more.
        if not cache.make_room(file.size, of=index):
            return
        yield key, file


async def blocks_of(
    files: Iterable[tuple[str, SearchedFile]], segments: Segments
) -> AsyncGenerator[tuple[str, Block | None], None]:
    """A block for each file, in order; None for one that is not there. Raises ``BlobsUnavailable``."""
    left = iter(files)
    following = next(left, None)
    reading: deque[tuple[str, int, asyncio.Task[Block | None]]] = deque()
    try:
        while reading or following is not None:
            while following is not None and len(reading) < _AHEAD:
                key, file = following
                if reading and file.size + sum(size for _, size, _ in reading) > _AHEAD_BYTES:
                    break
                reading.append((key, file.size, asyncio.create_task(_block(key, segments))))
                following = next(left, None)
            first, _, task = reading[0]
            block = await task
            reading.popleft()
            yield first, block
    finally:
        for _, _, task in reading:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in reading), return_exceptions=True)


async def _block(key: str, segments: Segments) -> Block | None:
    segment = await segments.read(key)
    return None if segment is None else await segments.apart(lambda: Block.of(key, segment))


def with_all(blocks: Sequence[Block], group: Sequence[Block]) -> Sequence[Block]:
    """``blocks`` and those of ``group``, joined by kind."""
    for kind in dict.fromkeys(block.kind for block in group):
        blocks = added(blocks, join([block for block in group if block.kind == kind]))
    return blocks
