"""What goes wrong, and when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from signal import SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Protocol, TypeAlias

from tests.e2e.chaos.cluster import LEASE, Cluster, Member, finish
from tests.e2e.chaos.stores import NetworkStore, Server


class Fault(Protocol):
    @property
    def name(self) -> str: ...

    def strike(self) -> None:
        """Takes effect at once."""
        ...

    async def mend(self) -> None:
        """Return when the fault is over."""
        ...


@dataclass(frozen=True, kw_only=True)
class CoreFault:
    cluster: Cluster
    member: Member
    signal: Signals
    after: float = 0
    """Seconds for which SIGSTOP stops it."""

    @property
    def name(self) -> str:
        return self.signal.name

    def strike(self) -> None:
        self.cluster.strike(self.member, self.signal)

    async def mend(self) -> None:
        await self.cluster.mend(self.member, self.signal, after=self.after)


@dataclass(frozen=True, kw_only=True)
class Restart:
    server: Server
    name: str = "store restarted"

    def strike(self) -> None:
        self.server.stop()

    async def mend(self) -> None:
        await finish(asyncio.to_thread(self.server.start))


@dataclass(frozen=True, kw_only=True)
class Obstruction:
    """Something between the cores and their store, for a while."""

    name: str
    store: NetworkStore
    begin: Callable[[], None]
    seconds: float
    cut: bool = False
    """Whether it ends with the connections, so that nobody hears what has become of a request."""

    def strike(self) -> None:
        self.begin()

    async def mend(self) -> None:
        try:
            await asyncio.sleep(self.seconds)  # the length of the fault; nothing waits for anything
        finally:
            if self.cut:
                self.store.cut()
            self.store.pass_on()


Trouble: TypeAlias = Callable[[Cluster, random.Random], Sequence[Sequence[Fault]]]
"""Some lanes: faults of one lane come one after the other, those of several lanes at the same time."""


def in_turn(signals: Sequence[Signals]) -> Trouble:
    """Each of them, on members as they come."""

    def drawn(cluster: Cluster, source: random.Random) -> Sequence[Sequence[Fault]]:
        shuffled = source.sample(signals, len(signals))
        return [[_core_fault(cluster, source.choice(cluster.members), s, source) for s in shuffled]]

    return drawn


def rolling_restart(cluster: Cluster, _source: random.Random) -> Sequence[Sequence[Fault]]:
    """Every core is ended in an orderly way, and the next only when it is there again."""
    return [[CoreFault(cluster=cluster, member=m, signal=SIGTERM) for m in cluster.members]]


def on_all_sides(store: NetworkStore, times: int) -> Trouble:
    """Each core has a lane, and the store has one; 33 faults a time, 30 for a store that cannot be restarted."""
    signals = (SIGKILL, SIGKILL, SIGKILL, SIGKILL, SIGTERM, SIGTERM, SIGSTOP, SIGSTOP) * times

    def drawn(cluster: Cluster, source: random.Random) -> Sequence[Sequence[Fault]]:
        lanes: list[Sequence[Fault]] = [
            [_core_fault(cluster, member, s, source) for s in source.sample(signals, len(signals))]
            for member in cluster.members
        ]
        faults = [fault for _ in range(times) for fault in _store_faults(store, source)]
        return [*lanes, source.sample(faults, len(faults))]

    return drawn


def _core_fault(
    cluster: Cluster, member: Member, signal: Signals, source: random.Random
) -> CoreFault:
    after = source.uniform(0.5, 2) * LEASE
    return CoreFault(cluster=cluster, member=member, signal=signal, after=after)


def _store_faults(store: NetworkStore, source: random.Random) -> Sequence[Fault]:
    def obstruction(
        name: str, begin: Callable[[], None], low: float, high: float, *, cut: bool = False
    ) -> Fault:
        seconds = source.uniform(low, high)
        return Obstruction(name=name, store=store, begin=begin, seconds=seconds, cut=cut)

    late = store.deadline, store.deadline + 1
    restarts = [] if store.server is None else [Restart(server=store.server)] * 3
    return [
        *restarts,
        *(obstruction("store cut off", store.refuse, 0.1, 2) for _ in range(2)),
        obstruction("requests held up", store.hold_requests, 0.1, 2),
        obstruction("requests late", store.hold_requests, *late),
        obstruction("answers lost", store.hold_answers, 0.1, 1, cut=True),
        obstruction("answers late", store.hold_answers, *late),
    ]
