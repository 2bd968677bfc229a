"""A store that behaves as badly as the port allows: slow, refusing, silent, late, stale.

Rates.none()     changes nothing: passes the conformance suite
Rates()          the mixture of the protocol model
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Self

from tests.conformance.store_model import StoreModel
from tests.store.forwarding import ForwardingStore
from understudy_server.clock import Clock
from understudy_server.errors import OutcomeUnknown, StoreError, StoreUnavailable
from understudy_server.store.port import (
    Commit,
    Partition,
    Position,
    Record,
    Store,
    Version,
    Watch,
)

TIMEOUT = 2.0
"""Seconds until a caller gives up on an answer that does not come."""
LATEST = 40.0
"""Seconds by which a commit that was given up may still arrive."""
STALEST = 3.0
"""Seconds by which an ordinary read may lag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities, each for one call. What remains of a commit's share goes well."""

    refuse: float = 0.04
    """Not taken, and said so."""
    drop: float = 0.03
    """Lost on the way there: never applied, outcome unknown."""
    late: float = 0.05
    """Applied long after the caller was told that the outcome is unknown, if it still fits."""
    lose: float = 0.05
    """Judged and applied, but the answer is lost."""
    slow: float = 0.5
    """A pause before and after (commits and reads)."""
    stale: float = 0.15
    """A read that may lag, and does: a plain ``get``, ``due``, ``directory``."""
    unread: float = 0.0
    """A read that fails."""
    deaf: float = 0.0
    """A wake-up that is lost."""

    @classmethod
    def none(cls) -> Rates:
        return cls(refuse=0, drop=0, late=0, lose=0, slow=0, stale=0)


class HostileStore(ForwardingStore):
    """Every commit has to pass through here: stale reads come from a copy that follows."""

    def __init__(self, inner: Store, random: Random, clock: Clock, rates: Rates) -> None:
        super().__init__(inner)
        self._random = random
        self._clock = clock
        self.rates = rates
        """May be replaced at any time, for instance by ``Rates.none()`` to let things settle."""
        self._past = StoreModel()
        self._coming: deque[tuple[float, Commit, tuple[Version | None, ...]]] = deque()
        """Commits that the past has not seen yet, with the times at which they happened."""
        self._late: set[asyncio.Task[None]] = set()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        rates, share = self.rates, self._random.random()
        await self._pause()
        if share < rates.refuse:
            raise StoreUnavailable("refused")
        share -= rates.refuse
        if share < rates.drop:
            await self._time_out("dropped")
        share -= rates.drop
        if share < rates.late:
            task = asyncio.create_task(self._apply_late(commit))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            await self._time_out("late")
        share -= rates.late
        if share < rates.lose:
            with suppress(StoreError):
                await self._apply(commit)
            await self._time_out("answer lost")
        versions = await self._apply(commit)
        await self._pause()
        return versions

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        await self._reach()
        if not fresh and self._is_stale():
            return self._past.get(partition, kind, id)
        return await self._inner.get(partition, kind, id, fresh=fresh)

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        await self._reach()
        if self._is_stale():
            return self._past.due(now, limit)
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
        if self._is_stale():
            return self._past.directory(project, kind, label, low, high, descending, limit)
        return await self._inner.directory(
            project, kind, label, low=low, high=high, descending=descending, limit=limit
        )

    def watch(self, partition: Partition | None) -> Watch:
        return _HardOfHearing(self._inner.watch(partition), self)

    async def ping(self) -> None:
        await self._pause()
        if self._random.random() < self.rates.refuse:
            raise StoreUnavailable("refused")
        await self._inner.ping()

    async def close(self) -> None:
        """What is still on its way never arrives."""
        late = tuple(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._inner.close()

    def expects_late(self) -> bool:
        """Whether commits that were given up are still on their way."""
        return bool(self._late)

    def is_deaf(self) -> bool:
        """Whether the next wake-up gets lost."""
        return self.rates.deaf > 0 and self._random.random() < self.rates.deaf

    async def _reach(self) -> None:
        await self._pause()
        if self.rates.unread and self._random.random() < self.rates.unread:
            raise StoreUnavailable("unreadable")

    async def _apply(self, commit: Commit) -> tuple[Version | None, ...]:
        versions = await self._inner.commit(commit)
        self._coming.append((self._clock.monotonic(), commit, versions))
        return versions

    async def _apply_late(self, commit: Commit) -> None:
        await self._clock.sleep(self._random.uniform(0, LATEST))
        with suppress(StoreError):
            await self._apply(commit)

    async def _time_out(self, why: str) -> None:
        await self._clock.sleep(TIMEOUT)
        raise OutcomeUnknown(why)

    async def _pause(self) -> None:
        if self._random.random() < self.rates.slow:
            await self._clock.sleep(self._random.expovariate(50))

    def _is_stale(self) -> bool:
        """Whether to answer from the past; moves the past to where it is by now."""
        if self._random.random() >= self.rates.stale:
            return False
        horizon = self._clock.monotonic() - self._random.uniform(0, STALEST)
        while self._coming and self._coming[0][0] <= horizon:
            _, commit, versions = self._coming.popleft()
            self._past.apply(commit, versions)
        return True


class _HardOfHearing:
    """A ``Watch`` that loses wake-ups: whoever waits waits until the time is over."""

    def __init__(self, inner: Watch, store: HostileStore) -> None:
        self._inner = inner
        self._store = store

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._inner.__exit__(*exc)

    async def wait(self, timeout: float) -> bool:
        woken = await self._inner.wait(timeout)
        while woken and self._store.is_deaf():
            woken = await self._inner.wait(timeout)
        return woken
