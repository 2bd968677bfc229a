"""Random histories of runs of a key with limits: cores die, requests come twice, threads go, the store misbehaves.

``play(seed)`` runs one and returns what it broke. Everything is drawn from the seed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from random import Random
from typing import Any, TypeVar

from structlog.testing import capture_logs

from tests.clock import FakeClock
from tests.jumping_loop import Restless, jumping_loop
from tests.server.limits.limited_runs import counted, limited
from tests.server.runs.scripted import ScriptedModels, Wait, calls, says
from tests.server.runs.world import Core, World, function
from tests.store.forwarding import ForwardingStore
from tests.store.hostile import HostileStore, Rates
from understudy.v1 import run_pb2
from understudy_server.errors import DomainError
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.models.port import ModelError, ModelEvent, ModelRequest, Resolved
from understudy_server.rpc.runs import Begun
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Partition, Put, Version

T = TypeVar("T")

LIMITS = KeyLimits(concurrent_runs=3, tokens_per_day=1_000_000)
SETTLING = 300.0
"""Seconds after the trouble: leases end, late commits arrive, slots are due."""
BUGS = ("run_crashed", "run_abandoned", "scan_crashed", "attending_failed", "slot_failed")


class Ledger(ForwardingStore):
    """Sees every commit that happens, and keeps what each run had used at its end."""

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner)
        self._memory = inner
        self.runs: dict[str, Partition] = {}
        self.used: dict[str, int] = {}
        """By run that has ended, or whose thread was deleted under it."""

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        versions = await super().commit(commit)
        for operation in commit.operations:
            if isinstance(operation, Put):
                await self._note(commit.partition, operation)
        return versions

    async def _note(self, partition: Partition, put: Put) -> None:
        if put.kind == tables.runs.kind:
            self.runs[put.id] = partition
            row = await tables.runs.get(self._memory, partition, put.id)
            if row is not None and row.body.run.status in machine.TERMINAL:
                self.used.setdefault(put.id, row.body.run.usage.total_tokens)
        elif put.kind == tables.heads.kind:
            head = await tables.heads.get(self._memory, partition, put.id)
            if head is not None and head.body.tombstone and head.body.active_run:
                run_id = head.body.active_run
                rows = await tables.steps(run_id).list(self._memory, partition, limit=1_000)
                self.used.setdefault(run_id, sum(row.body.usage.total_tokens for row in rows))


class SlowModels(ScriptedModels):
    """Answers, calls or fails, after a while."""

    def __init__(self, random: Random, clock: FakeClock) -> None:
        super().__init__(says("x"))
        self._random = random
        self._clock = clock

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        del resolved, request
        random = self._random
        await self._clock.sleep(random.choice((0.0, 0.05, 2.0)))
        kind = random.random()
        for step in calls("f") if kind < 0.3 else says("a", "b"):
            if kind > 0.95:
                raise ModelError("server_error", "broken")
            assert not isinstance(step, Wait | Exception)
            yield step
            await self._clock.sleep(random.choice((0.0, 0.0, 0.5)))


def play(seed: int) -> Sequence[str]:
    random = Random(seed)
    clock = FakeClock()
    loop = jumping_loop(clock, steps=600_000)
    with capture_logs() as logs:
        try:
            found = loop.play(_History(random, clock).play())
        except Restless as error:
            found = [f"never came to rest: {error}"]
        found += [f"nobody looked at: {failure}" for failure in loop.failures]
    return [*found, *(f"logged: {log}" for log in logs if log["event"] in BUGS)]


class _History:
    def __init__(self, random: Random, clock: FakeClock) -> None:
        self._random = random
        self._clock = clock
        memory = MemoryStore(clock)
        self._ledger = Ledger(memory)
        rates = Rates(
            refuse=0.03, drop=0.02, late=0.03, lose=0.04, slow=0.5, stale=0.1, deaf=0.1, unread=0.01
        )
        self._store = HostileStore(self._ledger, random, clock, rates)
        self._world = World(SlowModels(random, clock), self._store, clock=clock)
        self._world.memory = memory
        self._cores: list[Core] = []

    async def play(self) -> list[str]:
        self._cores = [self._world.core() for _ in range(2)]
        killing = asyncio.create_task(self._kill())
        await asyncio.gather(*(self._client(number) for number in range(3)))
        await killing
        self._store.rates = Rates.none()
        await self._clock.sleep(SETTLING)
        found = await self._broken()
        for core in self._world.cores:
            await core.worker.stop()
            await core.budgets.close()
        await self._store.close()
        return found

    async def _broken(self) -> list[str]:
        living = {run_id for run_id in self._ledger.runs if run_id not in self._ledger.used}
        expected = len(living), sum(self._ledger.used.values()), len(living)
        stored = await counted(self._world)
        if stored == expected:
            return []
        return [f"runs, tokens and slots are {stored} rather than {expected}"]

    async def _kill(self) -> None:
        for _ in range(2):
            await self._clock.sleep(self._random.uniform(1, 15))
            index = self._random.randrange(2)
            dying, self._cores[index] = self._cores[index], self._world.core()
            await dying.kill()

    async def _client(self, number: int) -> None:
        random = self._random
        for turn in range(5):
            thread = await _tried(self._world.thread(self._core(), "Hi"))
            assistant = await _tried(self._world.assistant(self._core(), tools=[function("f")]))
            if thread is None or assistant is None:
                continue
            request = run_pb2.CreateRunRequest(thread_id=thread, assistant_id=assistant)
            key = f"{number}-{turn}"
            copies = random.choice((1, 1, 2, 3))
            begun = await asyncio.gather(*(self._begin(key, request) for _ in range(copies)))
            going = [each for each in begun if each is not None]
            if going:
                await self._go_on(going[0])
            if random.random() < 0.5:
                await _tried(self._world.delete_thread(self._core(), thread))

    async def _begin(self, key: str, request: run_pb2.CreateRunRequest) -> Begun | None:
        await self._clock.sleep(self._random.choice((0.0, 0.0, 0.01, 0.1, 1.0)))
        return await _tried(self._core().runs.create(limited(LIMITS, key), request))

    async def _go_on(self, begun: Begun) -> None:
        random = self._random
        await self._clock.sleep(random.choice((0.0, 0.1, 1.0, 4.0)))
        kind = random.random()
        if kind < 0.2:
            await _tried(self._world.cancel(self._core(), begun))
        elif kind < 0.7:
            await _tried(self._world.submit(self._core(), begun, call_f="1"))
            await self._clock.sleep(random.choice((0.0, 0.1, 1.0)))

    def _core(self) -> Core:
        return self._random.choice(self._cores)


async def _tried(work: Coroutine[Any, Any, T]) -> T | None:
    """None when it was refused, or its core died."""
    task = asyncio.create_task(work)
    await asyncio.wait([task])
    if task.cancelled():
        return None
    error = task.exception()
    if error is not None and not isinstance(error, DomainError):
        raise error
    return None if error else task.result()
