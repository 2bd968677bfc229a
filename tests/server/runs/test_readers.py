"""Every reader sees every durable event once and in order, whenever and wherever it joins."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from random import Random
from typing import Any

import pytest

from tests.server.runs.gated import GatedStore
from tests.server.runs.scripted import ScriptedModels, Step, Wait, calls, finished, says
from tests.server.runs.world import (
    PROJECT,
    caller,
    follow,
    function,
    ids,
    names,
    open_world,
    said,
)
from understudy.v1 import run_pb2
from understudy_server.errors import InvalidRequest, NotFound
from understudy_server.models.port import TextDelta
from understudy_server.runs.tail import Tail
from understudy_server.store import tables

LOG_KEPT = 3600


def dripping(random: Random, count: int) -> tuple[list[Step], list[asyncio.Event]]:
    """A long answer, with gates in random places."""
    steps: list[Step] = []
    gates = []
    for index in range(count):
        steps.append(TextDelta(text=f"{index} "))
        if random.random() < 0.2:
            gates.append(asyncio.Event())
            steps.append(Wait(gates[-1]))
    return [*steps, finished()], gates


@pytest.mark.parametrize("seed", range(8))
async def test_readers_that_join_at_any_moment_on_any_core(seed: int) -> None:
    random = Random(seed)
    script, gates = dripping(random, 60)
    async with open_world(ScriptedModels(script)) as world:
        cores = [world.core(), world.core()]
        thread = await world.thread(cores[0], "Hi")
        begun = await world.run(cores[0], thread, await world.assistant(cores[0]))
        readers = []
        for gate in gates:
            await world.clock.advance(random.choice([0, 0.05, 0.3]))
            readers += [asyncio.create_task(follow(random.choice(cores), begun)) for _ in range(3)]
            gate.set()
        logged = None
        for reader in readers:
            events = await world.until(reader)
            logged = logged or await world.log(begun)
            assert ids(events) == ids(logged)
            assert said(events) == "".join(f"{n} " for n in range(60))


async def test_a_log_of_many_records_is_read_to_its_end_while_the_run_goes_on() -> None:
    """More records than a page: what comes live must not be sent over the gap."""
    gates = [asyncio.Event() for _ in range(450)]
    steps: list[Step] = [TextDelta(text="first")]
    for gate in gates:
        steps += [Wait(gate), TextDelta(text=".")]
    last = asyncio.Event()
    async with open_world(ScriptedModels([*steps, Wait(last), finished()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        for gate in gates[:-1]:
            gate.set()
            await world.clock.advance(0.11)
        gates[-1].set()
        reading = asyncio.create_task(follow(core, begun))
        await world.clock.advance(0.01)
        last.set()
        events = await world.until(reading)
        assert ids(events) == ids(await world.log(begun))
        assert said(events) == "first" + "." * 450


async def test_a_reader_that_resumes_anywhere_gets_exactly_the_rest() -> None:
    async with open_world(ScriptedModels(calls("f", said="Let me see"), says("a", "b"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        first = await world.clock.run_until(follow(core, begun))
        again = await world.submit(core, begun, call_f="1")
        second = await world.clock.run_until(follow(core, again))
        # The request for action has been answered, so it ends nobody's stream any more.
        everything = [*first, *second]
        for index, event in enumerate(everything):
            rest = await world.clock.run_until(world.resume(core, begun, event.id))
            assert ids(rest) == ids(everything[index + 1 :])


async def test_caught_up_with_a_run_that_waits_for_action_a_stream_ends() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_requires_action"
        assert await world.clock.run_until(world.resume(core, begun, events[-1].id)) == []


async def test_events_show_the_whole_run_though_the_log_has_its_state_only() -> None:
    async with open_world(ScriptedModels(says("a"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(
            core, thread, await world.assistant(core, instructions="Be kind"), metadata={"k": "v"}
        )
        events = await world.clock.run_until(follow(core, begun))
        shown = events[-1].run_completed
        assert (shown.id, shown.instructions, shown.metadata["k"]) == (
            begun.spec.run.id,
            "Be kind",
            "v",
        )
        assert shown == await world.state(core, begun)
        assert not (await world.log(begun))[-1].run_completed.id


async def test_after_an_hour_the_log_is_dropped_and_the_end_is_still_told() -> None:
    async with open_world(ScriptedModels(says("a"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        await world.clock.advance(LOG_KEPT - 10)
        assert len(await world.log(begun)) == len(events)
        await world.clock.advance(20)
        assert await world.log(begun) == []
        for after in ("", events[3].id):
            rest = await world.clock.run_until(world.resume(core, begun, after))
            assert rest == [events[-1]]
        assert await world.clock.run_until(world.resume(core, begun, events[-1].id)) == []
        # An edit afterwards does not bring the log's end back.
        edit = run_pb2.ModifyRunRequest(
            thread_id=thread, run_id=begun.spec.run.id, metadata={"a": "b"}
        )
        await core.stored_runs.modify(caller(), edit)
        assert await world.memory.due(world.memory.now() + 10**12, 10) == []


async def test_a_thread_that_is_deleted_ends_the_streams_of_its_runs() -> None:
    models = ScriptedModels([TextDelta(text="Well"), Wait()])
    async with open_world(models) as world:
        core, other = world.core(), world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        readers = [asyncio.create_task(follow(at, begun)) for at in (core, other)]
        await world.clock.advance(1)
        await world.delete_thread(core, thread)
        await world.clock.advance(0)
        assert models.open == 0, "the model is not listened to any longer"
        for reader in readers:
            with pytest.raises(NotFound):
                await world.until(reader)
        await world.clock.advance(5)
        assert await world.left(thread) == ["head"]


async def test_a_reader_that_leaves_lets_go_of_the_feed_at_once() -> None:
    async with open_world(ScriptedModels([TextDelta(text="Well"), Wait()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        async with aclosing(core.runs.tail(begun).batches()) as batches:
            await anext(batches)
            assert len(core.live._feeds[begun.spec.run.id]._subscribers) == 1
        assert not core.live._feeds[begun.spec.run.id]._subscribers


async def test_an_unknown_event_id_is_refused() -> None:
    async with open_world(ScriptedModels(says("a"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        with pytest.raises(InvalidRequest):
            await world.resume(core, begun, "yesterday")


async def test_a_log_that_lags_behind_the_feed_loses_nothing() -> None:
    """The first looks at the log show nothing of what was committed before."""
    script: list[Step] = [
        TextDelta(text="a"),
        TextDelta(text="b"),
        Wait(gate := asyncio.Event()),
        finished(),
    ]
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(0.05)
        lagging = _Lagging(world.memory, 3)
        tail = Tail(
            store=lagging,
            clock=world.clock,
            live=core.live,
            partition=tables.thread_partition(PROJECT, thread),
            spec=begun.spec,
            after=begun.after,
        )
        reading = asyncio.create_task(_collect(tail))
        await world.clock.advance(0.01)
        gate.set()
        events = await world.until(reading)
        assert ids(events) == ids(await world.log(begun))


async def test_what_is_logged_between_two_looks_is_not_the_end() -> None:
    """On a core that does not hold the run: the first look shows nothing, the second what came meanwhile."""
    script: list[Step] = [TextDelta(text="a"), Wait(gate := asyncio.Event()), finished()]
    async with open_world(ScriptedModels(script)) as world:
        core, other = world.core(), world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        tail = Tail(
            store=_Lagging(world.memory, 1),
            clock=world.clock,
            live=other.live,
            partition=begun.partition,
            spec=begun.spec,
            after=begun.after,
        )
        reading = asyncio.create_task(_collect(tail))
        await world.clock.advance(1)
        gate.set()
        events = await world.until(reading)
        assert names(events)[-1] == "run_completed"
        assert ids(events) == ids(await world.log(begun))


async def test_a_reader_that_stood_still_until_the_log_was_dropped_is_told_the_end() -> None:
    script: list[Step] = [TextDelta(text="a"), Wait(gate := asyncio.Event()), finished()]
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        store = GatedStore(world.memory)
        store.gate.clear()
        tail = Tail(
            store=store,
            clock=world.clock,
            live=core.live,
            partition=begun.partition,
            spec=begun.spec,
            after=begun.after,
        )
        reading = asyncio.create_task(_collect(tail))
        await world.clock.advance(1)
        gate.set()
        await world.clock.advance(LOG_KEPT + 10)
        assert await world.log(begun) == []
        store.gate.set()
        assert names(await world.until(reading)) == ["run_completed"]


class _Lagging:
    """A store whose log is empty at first."""

    def __init__(self, inner: Any, looks: int) -> None:
        self._inner = inner
        self._looks = looks

    async def read(self, *args: Any) -> Any:
        self._looks -= 1
        return [] if self._looks >= 0 else await self._inner.read(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def _collect(tail: Tail) -> Any:
    return [event async for batch in tail.batches() for event in batch.events]
