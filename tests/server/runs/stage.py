"""What everybody in a history acts on: cores on their hosts over one hostile store, and the way to reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, TypeVar

from tests.clock import FakeClock
from tests.server.runs.hosts import CoreStore, Host
from tests.server.runs.observer import Observer
from tests.server.runs.random_models import Moods, RandomFunctions, RandomModels
from tests.server.runs.story import Story
from tests.server.runs.world import REPEATED, Core, World
from tests.store.hostile import HostileStore, Rates
from understudy_server.clock import SECOND
from understudy_server.errors import DomainError, Overloaded, StoreError
from understudy_server.models import port as model
from understudy_server.tools.port import CallContext

T = TypeVar("T")

PATIENCE = 200.0
"""Seconds after the chaos by which every request has its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a history is drawn with."""

    rates: Rates = field(default_factory=Rates)
    moods: Moods = field(default_factory=Moods)
    cores: int = 3
    threads: int = 2
    clients: int = 2
    """Of each thread."""
    readers: int = 2
    """Of each run."""
    slots: int = 100
    chaos: float = 40.0
    """Seconds in which things go wrong."""
    trouble: float = 8.0
    """Seconds between what happens to hosts, on average."""
    skew: float = 0.0
    """Seconds by which clocks are off, at most."""
    deletes: float = 0.005
    """Probability that a client deletes its thread, for each thing it does."""


class Stage:
    def __init__(
        self, random: Random, conditions: Conditions, clock: FakeClock, found: list[str]
    ) -> None:
        """``found`` takes what should not have happened."""
        self.random = random
        self.conditions = conditions
        self.clock = clock
        self.story = Story()
        self._numbers = count(1)
        self._keys = count(1)
        self.world = World(self._models(self.clock), clock=self.clock)
        self.observer = Observer(self.world.memory, self.clock, found)
        self.hostile = HostileStore(self.observer, random, self.clock, conditions.rates)
        self.hosts = [Host(self.clock) for _ in range(conditions.cores)]
        self.stores: list[CoreStore] = []
        self.cores: list[Core] = []
        for number in range(conditions.cores):
            self._boot(number)
        self.end = self.clock.monotonic() + conditions.chaos
        # Inner dicts for their order: a set of tasks has none that a seed would repeat.
        self._calls: dict[Core, dict[asyncio.Task[Any], None]] = {}

    def chaotic(self) -> bool:
        return self.clock.monotonic() < self.end

    def key(self) -> str:
        return f"key-{next(self._keys)}"

    async def pause(self, *choices: float) -> None:
        await self.clock.sleep(self.random.choice(choices))

    async def request(self, call: Callable[[Core], Awaitable[T]]) -> T | DomainError:
        """As the edge does: again on another core, with the same key, until there is an answer."""
        repeated = False
        while self.clock.monotonic() < self.end + PATIENCE:
            token = REPEATED.set(repeated)
            task = self.at(self.random.choice(self.cores), call)
            REPEATED.reset(token)
            repeated = True
            if not await self._answered(task):
                # The first try may go on beside the next one, or end with its connection.
                task.add_done_callback(_forget)
                if self.random.random() < 0.5:
                    task.cancel()
                continue
            if task.cancelled() or isinstance(task.exception(), StoreError):
                await self.clock.sleep(0.5)
                continue
            error = task.exception()
            return error if isinstance(error, DomainError) else task.result()
        self.observer.bad("a request was never answered")
        return Overloaded("no answer")

    def at(self, core: Core, call: Callable[[Core], Awaitable[T]]) -> asyncio.Task[T]:
        """A call that ends when its core dies."""
        task = asyncio.ensure_future(call(core))
        assert isinstance(task, asyncio.Task)
        calls = self._calls.setdefault(core, {})
        calls[task] = None
        task.add_done_callback(lambda task: calls.pop(task, None))
        return task

    async def _answered(self, task: asyncio.Task[T]) -> bool:
        """Whether an answer came while the edge had patience."""
        timer = asyncio.create_task(self.clock.sleep(self.random.choice((0.3, 3.0, 10.0))))
        waited: list[asyncio.Future[Any]] = [task, timer]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        return task.done()

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.hostile.rates = Rates.none()
        for host in self.hosts:
            host.thaw()
            host.skew(0.0, 0.0)

    async def at_rest(self) -> bool:
        """Whether nothing is left to do but to drop logs, in a long time."""
        busy = any(self._calls.values()) or any(core.runs._beginning for core in self.cores)
        if busy or self.observer.lives() or self.hostile.expects_late():
            return False
        soon = self.world.memory.now() + 100 * SECOND
        return not await self.world.memory.due(soon, 1)

    async def close(self) -> None:
        for core in self.world.cores:
            await core.worker.stop()
        await self.hostile.close()

    async def stop(self, number: int) -> None:
        """As SIGTERM. When the store does what it is asked for, the core lets go of all runs that it works on."""
        worker, rates = self.cores[number].worker, self.hostile.rates
        working = {claim.run_id for claim in worker._running}
        kind = rates == Rates.none() or self.random.random() < 0.5
        if kind:
            self.hostile.rates = Rates.none()
        await worker.stop()
        self.hostile.rates = rates
        if kind and (worker._reserved or worker._running):
            self.observer.bad("a core has stopped in the midst of beginning or ending a run")
        for view in self.observer.views.values():
            head = view.head if view.exists() else None
            if kind and head and head.holder == worker._core and head.active_run in working:
                self.observer.bad(f"{head.active_run} is held by a core that has stopped")

    async def crash(self, number: int) -> None:
        """As ``kill -9``, and a new core on the same machine."""
        dead = self.cores[number]
        self.stores[number].die()
        for call in list(self._calls.pop(dead, {})):
            call.cancel()
        await dead.kill()
        self.world.cores.remove(dead)
        self._boot(number)

    def _boot(self, number: int) -> None:
        host = self.hosts[number]
        store = CoreStore(self.hostile, host, self.observer)
        core = self.world.core(
            store=store,
            clock=host,
            models=self._models(host),
            functions=RandomFunctions(self.random, host, self._started_at(store)),
            slots=self.conditions.slots,
        )
        store.core = core.worker._core
        if number < len(self.cores):
            self.stores[number], self.cores[number] = store, core
        else:
            self.stores.append(store)
            self.cores.append(core)

    def _models(self, clock: Any) -> RandomModels:
        moods = self.conditions.moods
        return RandomModels(self.random, clock, moods, self._numbers, self._asked, self._used)

    def _used(self, request: model.ModelRequest, usage: model.Usage) -> None:
        spent = usage.prompt_tokens + usage.completion_tokens
        self.story.spent[request.instructions or ""] += spent

    def _asked(self, request: model.ModelRequest) -> None:
        """A model hears of answers that were kept, and of calls with their outputs, and of nothing else."""
        outputs = {item.call_id for item in request.items if isinstance(item, model.ToolOutput)}
        for item in request.items:
            if isinstance(item, model.Message) and item.role == "assistant":
                for part in item.parts:
                    said = part.text if isinstance(part, model.Text) else ""
                    if said and not self.observer.is_stored(said):
                        self.observer.bad(f"a model is told what nobody kept: {said!r}")
            if isinstance(item, model.ToolCall) and item.call_id not in outputs:
                self.observer.bad(f"a model is told of {item.call_id} and not of its output")
            if isinstance(item, model.ToolOutput):
                _, output = self.observer.answered.get(item.call_id, (0, ""))
                if item.output != output:
                    self.observer.bad(f"a model is told another output of {item.call_id}")

    def _started_at(self, store: CoreStore) -> Callable[[str, str, CallContext], None]:
        def started(name: str, arguments: str, context: CallContext) -> None:
            """The call is durable; its output is not, as far as this core could know."""
            observer, id = self.observer, context.call_id
            call = observer.calls.get(id)
            if call is None:
                observer.bad(f"{id} runs before it is stored")
                return
            if (call.name, call.arguments, call.run) != (name, arguments, context.run_id):
                observer.bad(f"{id} runs as something else")
            if id in observer.answered:
                # A core that stood still between its last look and the call may repeat it: that is admitted.
                looked = store.looked.get((f"step/{call.run}", call.step), 0)
                if looked >= observer.answered[id][0]:
                    observer.bad(f"{id} runs again though its output was there")
            self.story.executed[id] = call.run

        return started


def _forget(task: asyncio.Task[Any]) -> None:
    """Nobody waits for this answer any more, whatever it was."""
    if not task.cancelled():
        task.exception()
