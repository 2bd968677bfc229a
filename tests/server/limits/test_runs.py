"""Runs at a time and tokens per day, on the real engine: several cores, crashes, and every way in which a run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tests.clock import FakeClock
from tests.server.limits.limited_runs import BUDGET, ONE, TALK, TOKENS, TWO, counted, limited, start
from tests.server.runs.scripted import ScriptedModels, Wait, calls, says
from tests.server.runs.world import Core, open_world
from tests.store.hostile import HostileStore, Rates
from understudy.v1 import run_pb2, thread_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import (
    InvalidRequest,
    RequestLimit,
    StateConflict,
    StoreError,
    TokenLimit,
)
from understudy_server.limits import windows
from understudy_server.limits.fate import BIRTH
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.records import budget_partition
from understudy_server.limits.runs import LOOK, today
from understudy_server.models.port import ModelError
from understudy_server.runs import machine
from understudy_server.store.memory import MemoryStore
from understudy_server.store.v1.records_pb2 import RunBudget


async def test_a_slot_is_free_again_when_its_run_has_ended() -> None:
    gate = asyncio.Event()
    models = ScriptedModels([Wait(gate), *says("x")])
    async with open_world(models) as world:
        core = world.core()
        begun = await start(world, core, ONE)
        assert begun.spec.key_id == begun.spec.budget == BUDGET
        await world.clock.advance(1)
        assert await counted(world) == (1, 0, 1)
        with pytest.raises(RequestLimit) as refused:
            await start(world, core, ONE)
        assert refused.value.message == (
            "Rate limit reached for runs in project p on concurrent runs: Limit 1, Used 1."
            " Please try again in 1s."
        )
        assert refused.value.retry_after == 1
        gate.set()
        await world.clock.advance(0)
        assert await counted(world) == (0, TOKENS, 0)
        await start(world, core, ONE)


async def test_a_key_without_such_limits_leaves_no_trace() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        begun = await start(world, core, KeyLimits(requests_per_minute=5, models=("scripted",)))
        await world.clock.advance(1)
        assert (begun.spec.key_id, begun.spec.budget) == (BUDGET, "")
        assert await counted(world) == (0, 0, 0)
        assert await world.memory.list(budget_partition(BUDGET), None, limit=1) == []


async def test_tokens_of_a_day() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core, other = world.core(), world.core()
        for used, at in ((0, core), (TOKENS, other)):
            assert await at.budgets.tokens(BUDGET) == used
            await start(world, at, TALK)
            await world.clock.advance(11)
        assert await core.budgets.tokens(BUDGET) == 2 * TOKENS
        with pytest.raises(TokenLimit) as refused:
            await start(world, core, TALK)
        left = windows.left_in(
            windows.number(world.memory.now(), windows.DAY), windows.DAY, world.memory.now()
        )
        assert refused.value.retry_after == left
        assert refused.value.message == (
            "Rate limit reached for tokens in project p on tokens per day (TPD): Limit 20, Used 26."
            f" Please try again in {windows.duration(left)}."
        )
        await world.clock.advance(left)
        assert await core.budgets.tokens(BUDGET) == 0
        await start(world, core, TALK)
        await world.clock.advance(1)
        assert await counted(world) == (0, TOKENS, 0)


async def test_several_cores_at_one_moment_share_the_slots_exactly() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        cores = [world.core() for _ in range(4)]
        outcomes = await asyncio.gather(
            *(start(world, core, TWO) for core in cores for _ in range(3)), return_exceptions=True
        )
        assert (
            sorted(type(outcome).__name__ for outcome in outcomes)
            == ["Begun"] * 2 + ["RequestLimit"] * 10
        )
        assert await counted(world) == (2, 0, 2)


async def test_a_run_that_waits_keeps_its_slot_until_it_ends() -> None:
    models = ScriptedModels(calls("f"), says("x"))
    async with open_world(models) as world:
        core, other = world.core(), world.core()
        begun = await start(world, core, ONE)
        await world.clock.advance(1)
        assert (await world.state(core, begun)).status == machine.REQUIRES_ACTION
        with pytest.raises(RequestLimit):
            await start(world, other, ONE)
        # Going on needs no slot of its own.
        await world.submit(other, begun, call_f="1")
        await world.clock.advance(1)
        assert await counted(world) == (0, 2 * TOKENS, 0)


@pytest.mark.parametrize("end", ["cancel", "expire"])
async def test_a_run_that_nobody_holds_frees_its_slot_when_it_ends(end: str) -> None:
    async with open_world(ScriptedModels(calls("f"), says("x"))) as world:
        core = world.core()
        begun = await start(world, core, ONE)
        await world.clock.advance(1)
        if end == "cancel":
            await world.cancel(core, begun)
        else:
            await world.clock.advance(601)
        await world.clock.advance(0)
        assert (await world.state(core, begun)).status in machine.TERMINAL
        assert await counted(world) == (0, TOKENS, 0)


@pytest.mark.parametrize(
    ("last", "status", "rounds"),
    [
        (says("x", reason="length"), machine.INCOMPLETE, 2),
        (says("x", reason="content_filter"), machine.INCOMPLETE, 2),
        # What a model call that failed has used is told by nobody; those before it count.
        ([ModelError("server_error", "broken")], machine.FAILED, 1),
        ([*says("x")[:-1], Wait()], machine.CANCELLED, 1),
    ],
)
async def test_the_tokens_of_a_run_count_however_it_ends(
    last: list[Any], status: run_pb2.RunStatus.ValueType, rounds: int
) -> None:
    async with open_world(ScriptedModels(calls("f"), last)) as world:
        core = world.core()
        begun = await start(world, core, ONE)
        await world.clock.advance(1)
        await world.submit(core, begun, call_f="1")
        await world.clock.advance(1)
        if status == machine.CANCELLED:
            await world.cancel(core, begun)
        await world.clock.advance(60)
        assert (await world.state(core, begun)).status == status
        assert await counted(world) == (0, rounds * TOKENS, 0)


async def test_a_run_whose_thread_is_deleted_frees_its_slot() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        begun = await start(world, core, ONE)
        await world.clock.advance(1)
        await world.delete_thread(core, begun.spec.run.thread_id)
        await world.clock.advance(1)
        assert await counted(world) == (0, 0, 0)


async def test_a_run_that_is_refused_leaves_no_slot() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        begun = await start(world, core, TWO)
        with pytest.raises(StateConflict):
            await start(world, core, TWO, thread=begun.spec.run.thread_id)
        await world.clock.advance(0)
        assert await counted(world) == (1, 0, 1)


async def test_a_request_that_comes_again_takes_no_second_slot() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core, other = world.core(), world.core()
        thread = await world.thread(core, "Hi")
        assistant = await world.assistant(core)
        request = run_pb2.CreateRunRequest(thread_id=thread, assistant_id=assistant)
        begun = await asyncio.gather(
            *(each.runs.create(limited(ONE, "once"), request) for each in (core, other, core))
        )
        assert len({each.spec.run.id for each in begun}) == 1
        await world.clock.advance(1)
        assert await counted(world) == (1, 0, 1)


async def test_a_thread_that_is_made_with_its_run() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        request = run_pb2.CreateThreadAndRunRequest(
            assistant_id=await world.assistant(core), thread=thread_pb2.CreateThreadRequest()
        )
        begun = await core.runs.create_thread_and_run(limited(ONE), request)
        assert begun.spec.budget == BUDGET
        with pytest.raises(RequestLimit):
            await core.runs.create_thread_and_run(limited(ONE), request)
        await world.cancel(core, begun)
        await world.clock.advance(1)
        assert await counted(world) == (0, 0, 0)


async def test_a_core_that_dies_leaks_no_slot() -> None:
    models = ScriptedModels([Wait()], says("x"))
    async with open_world(models) as world:
        dies = world.core()
        await start(world, dies, ONE)
        await world.clock.advance(1)
        await dies.kill()
        lives = world.core()
        with pytest.raises(RequestLimit):
            await start(world, lives, ONE)
        # Its lease ends, the other core takes over and ends it.
        await world.clock.advance(20)
        assert await counted(world) == (0, TOKENS, 0)


async def test_a_core_that_dies_between_slot_and_run() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        slot = core.budgets.slot(BUDGET, ONE, project="p", thread_id="thread_9", run_id="run_9")
        await slot.__aenter__()
        with pytest.raises(RequestLimit):
            await start(world, core, ONE)
        await world.clock.advance(BIRTH / SECOND + 5)
        assert await counted(world) == (0, 0, 0)
        await start(world, core, ONE)


async def test_a_core_that_dies_between_the_end_and_the_counting() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        dies = world.core()
        dies.budgets.ended = lambda budget, run_id: None  # type: ignore[method-assign]  # it dies before
        await start(world, dies, ONE)
        await world.clock.advance(1)
        assert await counted(world) == (1, 0, 1)
        # A key whose slots are taken looks at them itself.
        lives = world.core(slots=0)
        await start(world, lives, ONE)
        assert await counted(world) == (1, TOKENS, 1)


async def test_a_slot_that_nobody_asks_for_is_found_when_it_is_due() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        core.budgets.ended = lambda budget, run_id: None  # type: ignore[method-assign]  # it is forgotten
        await start(world, core, ONE)
        await world.clock.advance(LOOK / SECOND + 5)
        assert await counted(world) == (0, TOKENS, 0)


async def test_a_long_run_keeps_its_slot() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        await start(world, core, ONE)
        await world.clock.advance(4 * LOOK / SECOND)
        assert await counted(world) == (1, 0, 1)


async def test_a_mistake_in_a_request_takes_no_slot() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core)
        request = run_pb2.CreateRunRequest(
            thread_id=thread,
            assistant_id=await world.assistant(core),
            tools={"tools": [{"code_interpreter": {}}]},  # type: ignore[arg-type]  # protobuf takes a dict
        )
        with pytest.raises(InvalidRequest):
            await core.runs.create(limited(ONE), request)
        assert await counted(world) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(12))
async def test_however_the_store_behaves_slots_and_tokens_are_exact_in_the_end(seed: int) -> None:
    """Runs at one moment never exceed the limit, each run's tokens count once, and no slot is left."""
    random, clock = Random(seed), FakeClock()
    memory = MemoryStore(clock)
    rates = Rates(refuse=0.03, drop=0.02, late=0.03, lose=0.04, slow=0.3, stale=0.1)
    hostile = HostileStore(memory, random, clock, rates)
    async with open_world(ScriptedModels(says("a", "b")), hostile, clock=clock) as world:
        world.memory = memory
        cores = [world.core() for _ in range(3)]
        worst = 0

        async def use(core: Core) -> int:
            nonlocal worst
            begun = 0
            for _ in range(6):
                try:
                    await start(world, core, TWO)
                    begun += 1
                except (StoreError, RequestLimit):
                    pass
                worst = max(worst, len(await _live(memory)))
                await clock.sleep(random.uniform(0, 2))
            return begun

        async def play() -> Sequence[int]:
            return await asyncio.gather(*(use(core) for core in cores))

        begun = sum(await clock.run_until(play()))
        hostile.rates = Rates.none()
        await clock.run_until(clock.sleep(180))
        assert begun > 3
        assert worst <= 2
        ended = await memory.directory("p", "run", "all", limit=1_000)
        runs, tokens, slots = await counted(world)
        assert (runs, slots) == (0, 0)
        assert tokens == TOKENS * len(ended)


async def _live(memory: MemoryStore) -> list[str]:
    found = []
    for status in ("queued", "in_progress"):
        word = run_pb2.RunStatus.Value(f"RUN_STATUS_{status.upper()}")
        records = await memory.directory("p", "run", f"status={word}", limit=100)
        found += [record.id for record in records]
    return found


@pytest.mark.parametrize(
    ("day", "tokens", "now", "counted"),
    [
        (0, 5, 0, (0, 5)),
        (3, 5, 3 * windows.DAY, (3, 5)),
        (3, 5, 4 * windows.DAY, (4, 0)),
        # A core whose clock is ahead has begun the next day.
        (4, 5, 4 * windows.DAY - 1, (4, 5)),
        # That is no day to wait for.
        (9, 5, 4 * windows.DAY, (4, 0)),
    ],
)
def test_which_day_it_is(day: int, tokens: int, now: int, counted: tuple[int, int]) -> None:
    body = today(RunBudget(runs=2, day=day, tokens=tokens), now)
    assert (body.runs, body.day, body.tokens) == (2, *counted)
