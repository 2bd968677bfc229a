"""A store that hands every call on to another one: what fakes that change a few calls are made from."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Partition,
    Position,
    Record,
    Store,
    Version,
    Watch,
)


class ForwardingStore:
    """Override ``commit``, a read, or ``_reach``, which every read awaits first."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def now(self) -> int:
        return self._inner.now()

    async def _reach(self) -> None:
        """On the way to the store."""

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        return await self._inner.commit(commit)

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        await self._reach()
        return await self._inner.get(partition, kind, id, fresh=fresh)

    async def list(
        self,
        partition: Partition,
        kind: str | None,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        await self._reach()
        return await self._inner.list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        await self._reach()
        return await self._inner.due(now, limit)

    async def directory(
        self,
        project: str,
        kind: str,
        label: str,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        await self._reach()
        return await self._inner.directory(
            project, kind, label, low=low, high=high, descending=descending, limit=limit
        )

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        await self._reach()
        return await self._inner.read(partition, log, after, limit)

    def watch(self, partition: Partition | None) -> Watch:
        return self._inner.watch(partition)

    async def ping(self) -> None:
        await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()
