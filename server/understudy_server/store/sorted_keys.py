"""A sorted set of tuples, kept in blocks so that one change never moves the whole set."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, TypeAlias

Key: TypeAlias = tuple[Any, ...]

_BLOCK = 512
"""Keys a block is split down to; a change moves at most twice as many pointers."""


class SortedKeys:
    """Adding and removing move one block, not the set. Ranges are ``start <= key < stop``."""

    def __init__(self) -> None:
        self._blocks: list[list[Key]] = []
        self._lasts: list[Key] = []
        """The greatest key of each block."""

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(self, key: Key) -> None:
        if not self._blocks:
            self._blocks.append([key])
            self._lasts.append(key)
            return
        at = min(bisect_left(self._lasts, key), len(self._blocks) - 1)
        block = self._blocks[at]
        insort(block, key)
        if len(block) > 2 * _BLOCK:
            self._blocks.insert(at, block[:_BLOCK])
            self._lasts.insert(at, block[_BLOCK - 1])
            del block[:_BLOCK]
            at += 1
        self._lasts[at] = block[-1]

    def remove(self, key: Key) -> None:
        """Raises ``KeyError`` for a key that is not there."""
        at = bisect_left(self._lasts, key)
        block = self._blocks[at] if at < len(self._blocks) else []
        index = bisect_left(block, key)
        if index == len(block) or block[index] != key:
            raise KeyError(key)
        del block[index]
        if block:
            self._lasts[at] = block[-1]
        else:
            del self._blocks[at]
            del self._lasts[at]

    def ascending(self, start: Key | None = None, stop: Key | None = None) -> Iterator[Key]:
        at = 0 if start is None else bisect_left(self._lasts, start)
        for number in range(at, len(self._blocks)):
            block = self._blocks[number]
            first = bisect_left(block, start) if number == at and start is not None else 0
            for index in range(first, len(block)):
                if stop is not None and block[index] >= stop:
                    return
                yield block[index]

    def descending(self, start: Key | None = None, stop: Key | None = None) -> Iterator[Key]:
        last = len(self._blocks) - 1
        at = last if stop is None else min(bisect_left(self._lasts, stop), last)
        for number in range(at, -1, -1):
            block = self._blocks[number]
            end = bisect_left(block, stop) if number == at and stop is not None else len(block)
            for index in range(end - 1, -1, -1):
                if start is not None and block[index] < start:
                    return
                yield block[index]
