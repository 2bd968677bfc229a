"""A hostile store whose listings and logs never lag: what the engine expects of every backend."""

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


class PromptStore:
    """``list`` and ``read`` go to ``inner`` directly, everything else through ``outer``."""

    def __init__(self, outer: Store, inner: Store) -> None:
        self._outer = outer
        self._inner = inner

    def now(self) -> int:
        return self._outer.now()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        return await self._outer.commit(commit)

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        return await self._outer.get(partition, kind, id, fresh=fresh)

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
        return await self._inner.list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        return await self._outer.due(now, limit)

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
        return await self._outer.directory(
            project, kind, label, low=low, high=high, descending=descending, limit=limit
        )

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        return await self._inner.read(partition, log, after, limit)

    def watch(self, partition: Partition | None) -> Watch:
        return self._outer.watch(partition)

    async def ping(self) -> None:
        await self._outer.ping()

    async def close(self) -> None:
        await self._outer.close()
