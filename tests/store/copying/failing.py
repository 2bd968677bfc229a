"""A store that works until a given call, and what may happen then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.store.forwarding import ForwardingStore
from understudy_server.errors import OutcomeUnknown, StoreUnavailable
from understudy_server.store.copying.comparing import Copyable
from understudy_server.store.port import Commit, Log, Partition, Portion, Stored, Version


class ScannedStore(ForwardingStore):
    """A ``ForwardingStore`` that is ``Scannable``."""

    def __init__(self, inner: Copyable) -> None:
        super().__init__(inner)
        self.inner = inner

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        await self._reach()
        return await self.inner.partitions(cursor, limit)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        await self._reach()
        return await self.inner.logs(cursor, limit)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        await self._reach()
        return await self.inner.records(partition, cursor, limit)


class MortalStore(ScannedStore):
    """Calls ``then`` at call number ``at``, and at each one behind it up to ``until``. Every call yields."""

    def __init__(
        self, inner: Copyable, at: int, then: Callable[[], None], *, until: int | None = None
    ) -> None:
        super().__init__(inner)
        self.calls = 0
        self._failing = range(at, at + 1 if until is None else until)
        self._then = then

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._reach()
        return await super().commit(commit)

    async def _reach(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.calls in self._failing:
            self._then()


class ForgetfulStore(ScannedStore):
    """Every ``nth`` commit happens, and its answer is lost."""

    def __init__(self, inner: Copyable, nth: int) -> None:
        super().__init__(inner)
        self._nth = nth
        self._commits = 0

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        versions = await super().commit(commit)
        self._commits += 1
        if self._commits % self._nth == 0:
            raise OutcomeUnknown("the answer is lost")
        return versions


class RepeatingStore(ScannedStore):
    """Gives everything in tiny portions, some of them empty, and some things twice."""

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        if cursor.startswith("again"):
            return Portion([], cursor.removeprefix("again"))
        portion = await super().partitions(cursor, 2)
        before = await super().partitions("", 1)
        after = portion.cursor and f"again{portion.cursor}"
        return Portion([*portion.found, *before.found, *portion.found], after)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        portion = await super().logs(cursor, 1)
        return Portion([*portion.found, *portion.found], portion.cursor)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        portion = await super().records(partition, cursor, 7)
        first = await super().records(partition, "", 1)
        return Portion([*portion.found, *first.found], portion.cursor)


def unavailable() -> None:
    raise StoreUnavailable("the store is away")
