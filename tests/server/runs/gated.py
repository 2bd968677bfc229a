"""A store whose commits a test can hold up: a core that stands still, or that is cut off."""

from __future__ import annotations

import asyncio
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


class GatedStore:
    """While ``gate`` is clear, commits and reads wait before they reach the store."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.gate = asyncio.Event()
        self.gate.set()

    def now(self) -> int:
        return self._inner.now()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self.gate.wait()
        return await self._inner.commit(commit)

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        await self.gate.wait()
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
        await self.gate.wait()
        return await self._inner.list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        await self.gate.wait()
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
        await self.gate.wait()
        return await self._inner.directory(
            project, kind, label, low=low, high=high, descending=descending, limit=limit
        )

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        await self.gate.wait()
        return await self._inner.read(partition, log, after, limit)

    def watch(self, partition: Partition | None) -> Watch:
        return self._inner.watch(partition)

    async def ping(self) -> None:
        await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()
