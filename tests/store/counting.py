"""A store that counts its calls: each is one round trip to a store on another machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.store.forwarding import ForwardingStore
from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Partition,
    Position,
    Record,
    Store,
    Version,
)


@dataclass(frozen=True, slots=True)
class Trips:
    """Calls by the method's name."""

    calls: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self.calls.items()))


class CountingStore(ForwardingStore):
    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self._counts: Counter[str] = Counter()

    @contextmanager
    def trips(self) -> Iterator[Trips]:
        """What the calls of the block were, once it has ended."""
        trips = Trips()
        before = self._counts.copy()
        yield trips
        trips.calls.update(self._counts - before)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._counts["commit"] += 1
        return await super().commit(commit)

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        self._counts["get"] += 1
        return await super().get(partition, kind, id, fresh=fresh)

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
        self._counts["list"] += 1
        return await super().list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        self._counts["due"] += 1
        return await super().due(now, limit)

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
        self._counts["directory"] += 1
        return await super().directory(
            project, kind, label, low=low, high=high, descending=descending, limit=limit
        )

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        self._counts["read"] += 1
        return await super().read(partition, log, after, limit)
