"""Random histories of threads, runs, clients, readers and several cores over a hostile store.

``play(seed)`` runs one and returns what it broke; everything is drawn from the seed, so that a history that
breaks something can be played again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from random import Random
from typing import Any, TypeVar

from tests.clock import FakeClock
from tests.server.runs.gated import GatedStore
from tests.server.runs.invariants import ReaderLog, Story, violations
from tests.server.runs.prompt import PromptStore
from tests.server.runs.world import Core, World, caller, function
from tests.store.hostile import HostileStore, Rates
from understudy.v1 import run_pb2
from understudy_server.errors import DomainError, NotFound, StoreError
from understudy_server.models.port import (
    Finished,
    ModelError,
    ModelEvent,
    ModelRequest,
    Resolved,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from understudy_server.rpc.runs import Begun
from understudy_server.runs import machine

T = TypeVar("T")

CHAOS = 60.0
"""Seconds in which things go wrong."""
SETTLING = 700.0
"""Seconds afterwards: longer than any run lives."""
CORES = 3
THREADS = 2


class RandomModels:
    """Answers at random lengths and speeds; sometimes calls a function, fails, or stalls."""

    def __init__(self, random: Random, clock: FakeClock) -> None:
        self._random = random
        self._clock = clock
        self._calls = 0

    def resolve(self, name: str) -> Resolved:
        return Resolved(provider="test", model=name, context_window=100_000)

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        usage = Usage(prompt_tokens=1, completion_tokens=1)
        random = self._random
        if random.random() < 0.05:
            raise ModelError("server_error", "no luck")
        for index in range(random.randint(0, 5)):
            await self._clock.sleep(random.choice([0.0, 0.01, 0.3, 4.0]))
            yield TextDelta(text=f"{index} ")
        if random.random() < 0.3:
            self._calls += 1
            yield ToolCallStarted(index=0, call_id=f"call_{self._calls}", name="f")
            yield ToolCallDelta(index=0, arguments="{}")
            yield Finished(reason="tool_calls", usage=usage)
            return
        if random.random() < 0.05:
            await self._clock.sleep(40.0)
        yield Finished(reason="stop", usage=usage)

    async def list_models(self) -> tuple[str, ...]:
        return ("scripted",)

    async def close(self) -> None:
        pass


class History:
    def __init__(self, seed: int, rates: Rates) -> None:
        self.random = Random(seed)
        self.clock = FakeClock()
        self.story = Story()
        models = RandomModels(self.random, self.clock)
        self.world = World(models, clock=self.clock)
        self.hostile = HostileStore(self.world.memory, self.random, self.clock, rates)
        prompt = PromptStore(self.hostile, self.world.memory)
        self.stores = [GatedStore(prompt) for _ in range(CORES)]
        self.cores = [self.world.core(store=store) for store in self.stores]
        self.calls: dict[Core, set[asyncio.Task[Any]]] = {}
        self.end = self.clock.monotonic() + CHAOS
        self.tasks: list[asyncio.Task[None]] = []
        self.readers: list[asyncio.Task[None]] = []
        self.keys = 0

    async def play(self) -> list[str]:
        assistant = await self.request(
            lambda core: self.world.assistant(core, tools=[function("f")])
        )
        assert assistant is not None
        for _ in range(THREADS):
            thread = await self.request(lambda core: self.world.thread(core, "first"))
            assert thread is not None
            self.story.threads.append(thread)
            self.tasks += [
                asyncio.create_task(self.client(thread, assistant, f"{thread}/{number}"))
                for number in range(2)
            ]
        self.tasks.append(asyncio.create_task(self.chaos()))
        await asyncio.gather(*self.tasks)
        self.hostile.rates = Rates.none()
        await self.clock.sleep(SETTLING)
        for reader in self.readers:
            reader.cancel()
        done = await asyncio.gather(*self.readers, return_exceptions=True)
        crashes = [f"a reader crashed: {error!r}" for error in done if isinstance(error, Exception)]
        return crashes + await violations(self.world, self.story)

    async def request(self, call: Callable[[Core], Awaitable[T]]) -> T | None:
        """As the edge does: again on another core, with the same key, until there is an answer."""
        while True:
            core = self.random.choice(self.cores)
            task: asyncio.Task[T] = asyncio.ensure_future(call(core))
            calls = self.calls.setdefault(core, set())
            calls.add(task)
            task.add_done_callback(calls.discard)
            if not await self.answered(task):
                # The first try may go on beside the next one, or end with its connection.
                task.add_done_callback(_forget)
                if self.random.random() < 0.5:
                    task.cancel()
                continue
            if task.cancelled() or isinstance(task.exception(), StoreError):
                await self.clock.sleep(0.5)
                continue
            if isinstance(task.exception(), DomainError):
                return None
            return task.result()

    async def answered(self, task: asyncio.Task[T]) -> bool:
        """Whether an answer came while the edge had patience."""
        patience = self.random.choice([0.3, 3.0, 10.0])
        timer = asyncio.create_task(self.clock.sleep(patience))
        waited: list[asyncio.Future[Any]] = [task, timer]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        return task.done()

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    async def client(self, thread: str, assistant: str, name: str) -> None:
        random = self.random
        while self.clock.monotonic() < self.end:
            await self.clock.sleep(random.choice([0.1, 1.0, 6.0]))
            share = random.random()
            if share < 0.3:
                await self.say(thread, name)
            elif share < 0.75:
                await self.run(thread, assistant, name)
            elif share < 0.8:
                await self.edit(thread)
            elif share > 0.995:
                await self.request(lambda core: self.world.delete_thread(core, thread))
                self.story.deleted.add(thread)
                return

    async def say(self, thread: str, name: str) -> None:
        key = self.key()
        id = await self.request(lambda core: self.world.say(core, thread, key, key))
        if id is not None:
            self.story.say(name, id)

    async def run(self, thread: str, assistant: str, name: str) -> None:
        key = self.key()
        begun = await self.request(lambda core: self.world.run(core, thread, assistant, key))
        if begun is None:
            return
        self.story.run(name, begun)
        self.readers += [asyncio.create_task(self.read(begun)) for _ in range(2)]
        if self.random.random() < 0.3:
            await self.clock.sleep(self.random.choice([0.0, 0.2, 3.0, 20.0]))
            if await self.request(lambda core: self.world.cancel(core, begun)) is not None:
                self.story.cancelled.add(begun.spec.run.id)
        while (state := await self.request(lambda core: self.world.state(core, begun))) is not None:
            if state.status in machine.TERMINAL:
                return
            if state.status == machine.REQUIRES_ACTION and self.random.random() < 0.8:
                await self.submit(begun, state)
            if self.clock.monotonic() > self.end:
                return
            await self.clock.sleep(self.random.choice([0.2, 3.0]))

    async def submit(self, begun: Begun, state: run_pb2.Run) -> None:
        calls = state.required_action.submit_tool_outputs.tool_calls
        outputs = {call.id: f"output of {call.id}" for call in calls}
        if await self.request(lambda core: self.world.submit(core, begun, **outputs)) is not None:
            self.story.outputs.update(outputs)

    async def edit(self, thread: str) -> None:
        """Metadata of whatever run is there, which must not disturb it."""
        head = await self.world.head(thread)
        if not head.active_run:
            return
        request = run_pb2.ModifyRunRequest(
            thread_id=thread, run_id=head.active_run, metadata={"edited": "yes"}
        )
        if await self.request(lambda core: core.runs.modify(caller(), request)) is not None:
            self.story.edited.add((thread, head.active_run))

    async def read(self, begun: Begun) -> None:
        """One reader, resumed on other cores, to the end of the run."""
        log = ReaderLog(begun)
        self.story.readers.append(log)
        await self.clock.sleep(self.random.choice([0.0, 0.02, 0.1, 1.0, 10.0]))
        while not log.ended:
            core = self.random.choice(self.cores)
            task = asyncio.create_task(self.read_some(core, log))
            calls = self.calls.setdefault(core, set())
            calls.add(task)
            task.add_done_callback(calls.discard)
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, StoreError), error
            await self.clock.sleep(self.random.choice([0.0, 0.2, 2.0]))

    async def read_some(self, core: Core, log: ReaderLog) -> None:
        request = run_pb2.StreamRunEventsRequest(
            thread_id=log.begun.spec.run.thread_id,
            run_id=log.begun.spec.run.id,
            after=log.events[-1].id if log.events else "",
        )
        try:
            tail = core.runs.tail(await core.runs.resume(caller(), request))
            async with aclosing(tail.batches()) as batches:
                async for batch in batches:
                    log.take(batch.events)
                    if self.random.random() < 0.1:
                        return
        except NotFound:
            log.ended = log.gone = True

    async def chaos(self) -> None:
        """Cores die and come back, or stand still past their leases."""
        while self.clock.monotonic() < self.end:
            await self.clock.sleep(self.random.expovariate(1 / 8))
            number = self.random.randrange(CORES)
            share = self.random.random()
            if share < 0.4:
                await self.crash(number)
            elif share < 0.5:
                await self.cores[number].worker.stop()
                await self.crash(number)
            elif share < 0.9:
                store = self.stores[number]
                store.gate.clear()
                await self.clock.sleep(self.random.choice([1.0, 8.0, 20.0]))
                store.gate.set()

    async def crash(self, number: int) -> None:
        dead = self.cores[number]
        calls = self.calls.pop(dead, set())
        for call in calls:
            call.cancel()
        await dead.kill()
        self.world.cores.remove(dead)
        self.cores[number] = self.world.core(store=self.stores[number])


def _forget(task: asyncio.Task[Any]) -> None:
    """Nobody waits for this answer any more, whatever it was."""
    if not task.cancelled():
        task.exception()


async def play(seed: int, rates: Rates) -> Sequence[str]:
    history = History(seed, rates)
    try:
        return await history.clock.run_until(history.play())
    finally:
        for task in [*history.tasks, *history.readers]:
            task.cancel()
        for store in history.stores:
            store.gate.set()
        history.hostile.rates = Rates.none()
        await history.world.close()
        await history.hostile.close()
