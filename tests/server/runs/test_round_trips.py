"""What each operation costs in round trips to the store, whatever the thread and the project hold.

The table in ARCHITECTURE.md is this one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels, Wait, finished
from tests.server.runs.world import Core, World, caller, open_world
from tests.store.counting import CountingStore, Trips
from understudy.v1 import message_pb2, thread_pb2
from understudy_server.clock import SECOND
from understudy_server.models.port import TextDelta
from understudy_server.runs import head as heads
from understudy_server.runs import keeper
from understudy_server.runs.claiming import attend
from understudy_server.store.memory import MemoryStore

ARCHITECTURE = Path(__file__).parents[3] / "ARCHITECTURE.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    store: CountingStore
    world: World[ScriptedModels]
    clock: FakeClock
    core: Core
    """Answers, and has no room for runs."""
    assistant: str
    thread: str
    gates: tuple[asyncio.Event, asyncio.Event]
    """Before the model's second word and before its end."""


Operation: TypeAlias = Callable[[Scene], Awaitable[Trips]]


@asynccontextmanager
async def scene(*, messages: int, threads: int) -> AsyncIterator[Scene]:
    clock = FakeClock()
    store = CountingStore(MemoryStore(clock))
    gates = asyncio.Event(), asyncio.Event()
    one, two = TextDelta(text="One"), TextDelta(text="Two")
    models = ScriptedModels([one, Wait(gates[0]), two, Wait(gates[1]), finished()])
    async with open_world(models, store, clock=clock) as world:
        core = world.core(slots=0)
        await clock.run_until(core.worker.stop())
        for _ in range(threads - 1):
            await world.thread(core, "Hi")
        thread = await world.thread(core)
        for number in range(messages):
            await world.say(core, thread, f"Message {number}")
        assistant = await world.assistant(core)
        yield Scene(
            store=store,
            world=world,
            clock=clock,
            core=core,
            assistant=assistant,
            thread=thread,
            gates=gates,
        )


async def add_a_message(scene: Scene) -> Trips:
    with scene.store.trips() as trips:
        await scene.world.say(scene.core, scene.thread, "Hi")
    return trips


async def get_a_thread(scene: Scene) -> Trips:
    with scene.store.trips() as trips:
        await scene.core.threads.get(caller(), thread_pb2.GetThreadRequest(thread_id=scene.thread))
    return trips


async def list_messages(scene: Scene) -> Trips:
    request = message_pb2.ListMessagesRequest(thread_id=scene.thread, limit=1)
    after = (await scene.core.messages.list(caller(), request)).last_id
    with scene.store.trips() as trips:
        request = message_pb2.ListMessagesRequest(thread_id=scene.thread, limit=20, after=after)
        await scene.core.messages.list(caller(), request)
    return trips


async def create_a_run(scene: Scene) -> Trips:
    with scene.store.trips() as trips:
        await scene.world.run(scene.core, scene.thread, scene.assistant)
    return trips


async def claim_a_run(scene: Scene) -> Trips:
    await scene.world.run(scene.core, scene.thread, scene.assistant)
    shared = scene.core.shared
    with scene.store.trips() as trips:
        (record,) = await scene.store.due(scene.store.now(), 10)
        await attend(shared, record, "core")
    return trips


async def show_more_text(scene: Scene) -> Trips:
    """A batch of deltas: what the model said within a tenth of a second."""
    await _run_that_speaks(scene)
    with scene.store.trips() as trips:
        scene.gates[0].set()
        await scene.clock.advance(keeper.FLUSH_AFTER)
    return _without_looks(trips)


async def give_a_sign_of_life(scene: Scene) -> Trips:
    await _run_that_speaks(scene)
    beat = scene.core.shared.lease / SECOND / heads.BEATS
    with scene.store.trips() as trips:
        await scene.clock.advance(beat + 0.5)
    return _without_looks(trips)


def _without_looks(trips: Trips) -> Trips:
    """Without the core's looks for due work, which no run causes."""
    del trips.calls["due"]
    return trips


async def _run_that_speaks(scene: Scene) -> None:
    """It has shown and logged its first word, and waits for the model."""
    clock = scene.clock
    core = scene.world.core()
    await scene.world.run(core, scene.thread, scene.assistant)
    await clock.advance(1)


OPERATIONS: Mapping[str, Operation] = {
    "get a thread": get_a_thread,
    "add a message": add_a_message,
    "a page of messages, after a cursor": list_messages,
    "create a run": create_a_run,
    "claim a run": claim_a_run,
    "a batch of deltas": show_more_text,
    "a sign of life": give_a_sign_of_life,
}


def _promised() -> dict[str, str]:
    rows = re.findall(r"^\| (.+) \| `(.+)` \|$", ARCHITECTURE.read_text("utf-8"), re.MULTILINE)
    return {name: trips for name, trips in rows if name in OPERATIONS}


def test_every_operation_is_in_the_table() -> None:
    assert _promised().keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("messages", "threads"), [(1, 1), (300, 100)])
async def test_what_it_costs(name: str, messages: int, threads: int) -> None:
    async with scene(messages=messages, threads=threads) as made:
        assert str(await OPERATIONS[name](made)) == _promised()[name]
