"""A core's store and blobs, between which the core can die, or an answer be lost, at any operation.

    fate = Fate(at=7, how=How.DIES_AFTER)
    core = world.core(MortalStore(world.store, fate), MortalBlobs(world.blobs, fate))

A core that died does nothing any more: every further operation raises ``DeadError``, in its clean-up as well.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from enum import Enum, auto
from typing import TypeVar

from tests.store.forwarding import ForwardingStore
from understudy_server.blobs.port import Blobs
from understudy_server.errors import BlobsUnavailable, OutcomeUnknown, StoreUnavailable
from understudy_server.store.port import Commit, Store, Version

T = TypeVar("T")


class How(Enum):
    DIES_BEFORE = auto()
    DIES_AFTER = auto()
    REFUSES = auto()
    """Not done, and said so."""
    LOSES_ANSWER = auto()
    """Done, and nobody knows."""
    LOSES_CALL = auto()
    """Not done, and nobody knows."""
    LATE = auto()
    """Nobody knows; done when ``deliver`` is called, if it still fits."""


class DeadError(BaseException):
    """The end of a core; nothing catches it."""


class Fate:
    """What happens at which operation, counted from 1; ``at`` 0: nothing ever."""

    def __init__(self, at: int = 0, how: How = How.DIES_BEFORE) -> None:
        self._at = at
        self._how = how
        self.count = 0
        self.dead = False
        self.late: list[Callable[[], Awaitable[object]]] = []

    def next(self) -> How | None:
        """Of the operation that begins."""
        if self.dead:
            raise DeadError
        self.count += 1
        how = self._how if self.count == self._at else None
        if how is How.DIES_BEFORE:
            self.die()
        return how

    def die(self) -> None:
        self.dead = True
        raise DeadError

    async def deliver(self) -> None:
        """What was given up for lost arrives now."""
        for call in self.late:
            with suppress(Exception):  # Nobody waits for its answer.
                await call()
        self.late.clear()


class MortalStore(ForwardingStore):
    def __init__(self, inner: Store, fate: Fate) -> None:
        super().__init__(inner)
        self._fate = fate

    async def _reach(self) -> None:
        if self._fate.next() is How.REFUSES:
            raise StoreUnavailable("refused")

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        how = self._fate.next()
        if how is How.REFUSES:
            raise StoreUnavailable("refused")
        if how is How.LATE:
            self._fate.late.append(lambda: self._inner.commit(commit))
        if how in (How.LOSES_CALL, How.LATE):
            raise OutcomeUnknown("lost")
        versions = await self._inner.commit(commit)
        if how is How.DIES_AFTER:
            self._fate.die()
        if how is How.LOSES_ANSWER:
            raise OutcomeUnknown("lost")
        return versions


class MortalBlobs:
    """Implements ``Blobs``."""

    def __init__(self, inner: Blobs, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        return await self._do(lambda: self._inner.write(key, chunks))

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        if self._fate.next() not in (None, How.DIES_AFTER):
            raise BlobsUnavailable("refused")
        async with aclosing(self._inner.read(key, start=start, length=length)) as found:
            async for chunk in found:
                yield chunk

    async def delete(self, key: str) -> None:
        await self._do(lambda: self._inner.delete(key))

    async def ping(self) -> None:
        await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()

    async def _do(self, call: Callable[[], Awaitable[T]]) -> T:
        how = self._fate.next()
        if how is How.REFUSES or how is How.LOSES_CALL:
            raise BlobsUnavailable("refused")
        if how is How.LATE:
            await self._write_late(call)
        answer = await call()
        if how is How.DIES_AFTER:
            self._fate.die()
        if how is How.LOSES_ANSWER:
            raise BlobsUnavailable("lost")
        return answer

    async def _write_late(self, call: Callable[[], Awaitable[T]]) -> None:
        self._fate.late.append(call)
        raise BlobsUnavailable("lost")
