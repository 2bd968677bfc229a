"""The machines of a history: they stand still, their clocks are off, and the cores on them die."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.clock import FakeClock
from tests.server.runs.observer import Observer
from tests.store.forwarding import ForwardingStore
from understudy_server.errors import StoreUnavailable
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


class Host:
    """A machine, and a ``Clock``: while it stands still, nobody on it wakes; only its monotonic clock is honest."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._awake = asyncio.Event()
        self._awake.set()
        self._offset = 0.0
        self._drift = 0.0
        self._set_at = 0.0

    def freeze(self) -> None:
        self._awake.clear()

    def thaw(self) -> None:
        self._awake.set()

    def skew(self, offset: float, drift: float) -> None:
        """The wall clock, and with it what this machine takes for the store's time, is off.

        ``offset`` in seconds, now; ``drift`` in seconds by which it grows each second.
        """
        self._offset, self._drift, self._set_at = offset, drift, self._clock.monotonic()

    def error(self) -> int:
        """Microseconds by which the wall clock is ahead."""
        grown = self._drift * (self._clock.monotonic() - self._set_at)
        return round(1_000_000 * (self._offset + grown))

    async def standing(self) -> None:
        """Returns when the machine works."""
        if not self._awake.is_set():
            await self._awake.wait()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> int:
        return self._clock.wall() + self.error()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self.standing()


class CoreStore(ForwardingStore):
    """The store as one core on a host sees it. Calls wait while the host stands still, and so do their answers."""

    def __init__(self, inner: Store, host: Host, observer: Observer) -> None:
        super().__init__(inner)
        self._host = host
        self._observer = observer
        self._dead = False
        self.core = ""
        """The name of the core, once it is known."""
        self.looked: dict[tuple[str, str], int] = {}
        """By kind and id of a record: how many commits had happened when it was last read."""

    def die(self) -> None:
        """From now on nothing that is left of the core reaches the store."""
        self._dead = True

    def now(self) -> int:
        return self._inner.now() + self._host.error()

    async def _reach(self) -> None:
        await self._host.standing()
        if self._dead:
            raise StoreUnavailable("this core is dead")

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._reach()
        # Every call takes a step, so that whoever commits in circles is found out.
        await asyncio.sleep(0)
        self._observer.authors[commit.id] = self.core
        versions = await self._inner.commit(commit)
        await self._host.standing()
        return versions

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        await self._reach()
        record = await self._inner.get(partition, kind, id, fresh=fresh)
        self.looked[kind, id] = self._observer.commits
        await self._host.standing()
        return record

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
        found = await super().list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )
        await self._host.standing()
        return found

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        found = await super().read(partition, log, after, limit)
        await self._host.standing()
        return found
