"""Random histories of threads, runs, clients, readers and several cores over a hostile store.

``play(seed)`` runs one and returns what it broke. Everything is drawn from the seed, so that a history that breaks
something can be played again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from structlog.testing import capture_logs

from tests.clock import FakeClock
from tests.jumping_loop import Restless, jumping_loop
from tests.server.runs.clients import Client, create_assistant, create_thread
from tests.server.runs.hosts import Host
from tests.server.runs.invariants import violations
from tests.server.runs.random_models import OURS, THEIRS, Moods
from tests.server.runs.readers import read
from tests.server.runs.stage import Conditions, Stage
from tests.store.hostile import Rates
from understudy_server.clock import SECOND
from understudy_server.runs import head as heads
from understudy_server.runs import holder, machine
from understudy_server.threads import creation, purge

SETTLING = 600.0
"""Seconds after the chaos within which everything has to come to rest."""

BUGS = ("run_crashed", "run_abandoned", "scan_crashed", "attending_failed")
"""What the server logs only when it has a bug."""


def draw(random: Random) -> Conditions:
    """Most histories are short: what goes wrong needs few things at the right moment."""
    kind = random.random() < 0.12
    calm = random.random() < 0.15
    rates = (
        Rates.none()
        if kind
        else Rates(unread=random.choice((0, 0, 0.02)), deaf=random.choice((0, 0.2)))
    )
    return Conditions(
        rates=rates,
        moods=Moods(calls=random.choice((0.2, 0.4, 0.7)), fails=random.choice((0.0, 0.05, 0.1))),
        cores=random.choice((2, 2, 3)),
        threads=random.choice((1, 1, 2)),
        clients=random.choice((1, 2)),
        readers=random.choice((1, 2)),
        slots=random.choice((1, 2, 100, 100)),
        chaos=random.choice((10.0, 10.0, 20.0, 40.0)),
        trouble=1000.0 if calm else random.choice((3.0, 8.0)),
        skew=random.choice((0.0, 0.0, 1.0, 20.0, 60.0)),
        deletes=random.choice((0.0, 0.0, 0.01, 0.05)),
    )


def play(seed: int, *, record: bool = False) -> Sequence[str]:
    """What the history broke; nothing, if all is well. ``record``: every commit of it, too."""
    random = Random(seed)
    conditions = draw(random)
    with pytest.MonkeyPatch.context() as patch, capture_logs() as logs:
        # Small numbers, so that short histories meet what takes an hour, or five hundred messages.
        patch.setattr(machine, "EXPIRES_AFTER", random.choice((15, 40, 90)))
        patch.setattr(holder, "LOG_KEPT", random.choice((2, 20, 10_000)) * SECOND)
        patch.setattr(heads, "STAGE_LIMIT", 20 * SECOND)
        patch.setattr(heads, "MAX_TAKEOVERS", 1 + seed % 3)
        patch.setattr(creation, "CHUNK_OPERATIONS", 5)
        patch.setattr(purge, "CHUNK", random.choice((4, 45)))
        loop = jumping_loop(FakeClock())
        found: list[str] = []
        try:
            loop.play(_play(random, conditions, loop.clock, found, record=record))
        except Restless as error:
            found.append(f"never came to rest: {error}")
        found += [f"nobody looked at: {failure}" for failure in loop.failures]
    return [*found, *(f"logged: {log}" for log in logs if log["event"] in BUGS)]


async def _play(
    random: Random, conditions: Conditions, clock: FakeClock, found: list[str], *, record: bool
) -> None:
    stage = Stage(random, conditions, clock, found)
    stage.observer.records = record
    await History(stage).play()


class History:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._clients: list[Client] = []
        self._more_readers: list[asyncio.Task[None]] = []

    async def play(self) -> None:
        stage = self.stage
        trouble = asyncio.create_task(self._trouble())
        await create_assistant(stage, *THEIRS, *OURS)
        await asyncio.gather(*(self._thread() for _ in range(stage.conditions.threads)))
        await trouble
        stage.calm()
        readers = [task for client in self._clients for task in client.readers]
        readers += self._more_readers
        await self._settle(readers)
        for reader in readers:
            reader.cancel()
        done = await asyncio.gather(*readers, return_exceptions=True)
        crashes = [f"a reader crashed: {error!r}" for error in done if isinstance(error, Exception)]
        for broken in [*crashes, *await violations(stage)]:
            stage.observer.bad(broken)
        await stage.close()

    async def _thread(self) -> None:
        """A thread, its clients, and perhaps one more thread from each of them."""
        stage, random = self.stage, self.stage.random
        messages, runs = random.choice((0, 1, 1, 5, 6, 14)), random.random() < 0.3
        thread, begun = await create_thread(stage, messages=messages, runs=runs)
        if not thread:
            return
        if begun is not None:
            self._more_readers.append(asyncio.create_task(read(stage, begun)))
        clients = [Client(stage, thread, f"client {n}") for n in range(stage.conditions.clients)]
        self._clients += clients
        await asyncio.gather(*(client.act() for client in clients))

    async def _settle(self, readers: list[asyncio.Task[None]]) -> None:
        stage = self.stage
        end = stage.clock.monotonic() + SETTLING
        while stage.clock.monotonic() < end:
            if await stage.at_rest() and all(reader.done() for reader in readers):
                return
            await stage.clock.sleep(1.0)

    async def _trouble(self) -> None:
        """Cores die and come back, machines stand still past all leases, clocks are set."""
        stage, random = self.stage, self.stage.random
        for host in stage.hosts:
            self._set_clock(host)
        while stage.chaotic():
            await stage.clock.sleep(min(random.expovariate(1 / stage.conditions.trouble), 50.0))
            number, share = random.randrange(len(stage.hosts)), random.random()
            host = stage.hosts[number]
            if not stage.chaotic():
                return
            if share < 0.4:
                await stage.crash(number)
            elif share < 0.5:
                await stage.stop(number)
                await stage.crash(number)
            elif share < 0.85:
                host.freeze()
                await stage.pause(1.0, 8.0, 20.0)
                host.thaw()
            else:
                self._set_clock(host)

    def _set_clock(self, host: Host) -> None:
        skew, random = self.stage.conditions.skew, self.stage.random
        if skew:
            host.skew(random.uniform(-skew, skew), random.uniform(-0.02, 0.02))
