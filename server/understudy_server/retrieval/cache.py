"""Which vector stores are in memory, and how much of each. Only decisions: nothing here reads or waits.

Memory is shared out in advance: one part for blocks, one for files that are searched without being kept, the rest for
texts. Blocks of the stores that were searched last stay.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from understudy_server.retrieval.block import Block, join
from understudy_server.retrieval.listing import EMPTY, Listing
from understudy_server.store.port import Partition, Version

_BLOCK: Final = 64 * 1024 * 1024
"""Bytes; blocks are not joined to larger ones."""
_OVERHEAD: Final = 2_000


class Index:
    """What is in memory of one vector store. Changed only under ``lock``; blocks and listings never change."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.version: Version | None = None
        """Of the head that this is as new as; None: nothing has been read, or not all of it."""
        self.listing: Listing = EMPTY
        self.blocks: tuple[Block, ...] = ()
        self.absent: frozenset[str] = frozenset()
        """Listed segments that were not there, or were broken."""
        self.bytes = _OVERHEAD

    def keys(self) -> Iterator[str]:
        return (key for block in self.blocks for key in block.keys)

    def put(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self._count()

    def list(self, listing: Listing) -> None:
        self.listing = listing
        self._count()

    def _count(self) -> None:
        self.bytes = _OVERHEAD + self.listing.bytes + sum(block.bytes for block in self.blocks)


class Cache:
    """``room``: bytes that all indexes may take together."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._indexes: OrderedDict[Partition, Index] = OrderedDict()

    @property
    def bytes(self) -> int:
        return sum(index.bytes for index in self._indexes.values())

    def index(self, partition: Partition) -> Index:
        """The index of a store, now the one that was used last."""
        index = self._indexes.setdefault(partition, Index())
        self._indexes.move_to_end(partition)
        return index

    def has(self, partition: Partition, index: Index) -> bool:
        """Whether it has not been forgotten meanwhile."""
        return self._indexes.get(partition) is index

    def drop(self, partition: Partition) -> None:
        self._indexes.pop(partition, None)

    def make_room(self, size: int, *, of: Index) -> bool:
        """Whether ``size`` bytes more fit; forgets other stores for it, those first that were used longest ago.

        Nothing is forgotten for what would not fit even then, nor while somebody changes it.
        """
        idle = [
            (partition, index)
            for partition, index in self._indexes.items()
            if index is not of and not index.lock.locked()
        ]
        excess = self.bytes + size - self.room
        if excess > sum(index.bytes for _, index in idle):
            return False
        for partition, index in idle:
            if excess <= 0:
                break
            excess -= index.bytes
            self.drop(partition)
        return True


def without(blocks: Sequence[Block], keys: AbstractSet[str]) -> list[Block]:
    """The blocks without some files."""
    kept = (block if keys.isdisjoint(block.keys) else block.without(keys) for block in blocks)
    return [block for block in kept if block is not None]


def added(blocks: Sequence[Block], block: Block) -> list[Block]:
    """With one more, joined so that there are few: a block is less than half of the one before it, or large.

    Like carrying in addition: each chunk is copied once for each time that the store doubles.
    """
    others = [each for each in blocks if each.kind != block.kind]
    same = [each for each in blocks if each.kind == block.kind]
    while same and 2 * block.size >= same[-1].size and same[-1].bytes + block.bytes <= _BLOCK:
        block = join([same.pop(), block])
    return [*others, *same, block]
