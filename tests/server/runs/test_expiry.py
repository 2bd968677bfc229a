"""Ten minutes after its creation a run that still waits for something expires; one that has ended does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.runs.scripted import ScriptedModels, Step, Wait, calls, says
from tests.server.runs.world import Core, World, follow, function, names, open_world
from understudy_server.errors import StateConflict
from understudy_server.models.port import ModelError, TextDelta
from understudy_server.rpc.runs import Begun
from understudy_server.runs import machine


async def _begin(world: World[Any], core: Core) -> Begun:
    assistant = await world.assistant(core, tools=[function("f")])
    return await world.run(core, await world.thread(core, "Hi"), assistant)


async def _expired(world: World[Any], core: Core, begun: Begun) -> None:
    """It was not, a second before; it is, soon after; and the thread is free again."""
    run = await world.state(core, begun)
    assert run.status not in machine.TERMINAL
    await world.clock.advance(run.expires_at - world.clock.wall() / 1e6 - 1)
    assert (await world.state(core, begun)).status not in machine.TERMINAL
    await world.clock.advance(4)
    run = await world.state(core, begun)
    assert run.status == machine.EXPIRED
    assert run.expires_at == run.created_at + machine.EXPIRES_AFTER
    assert not run.HasField("required_action")
    assert run.HasField("usage")
    assert not (await world.head(begun.spec.run.thread_id)).active_run
    with pytest.raises(StateConflict, match="Cannot cancel run with status 'expired'"):
        await world.cancel(core, begun)


async def test_queued_while_no_core_has_room() -> None:
    async with open_world(ScriptedModels(says("Hello"))) as world:
        core = world.core(slots=0)
        begun = await _begin(world, core)
        assert begun.state.status == machine.QUEUED
        await _expired(world, core, begun)
        events = await world.clock.run_until(follow(core, begun))
        assert names(events) == ["run_created", "run_queued", "run_expired"]


async def test_while_the_model_says_nothing() -> None:
    scripts: list[list[Step]] = [[Wait()], [TextDelta(text="Well"), Wait()]]
    for script in scripts:
        async with open_world(ScriptedModels(script)) as world:
            core = world.core()
            begun = await _begin(world, core)
            await world.clock.advance(1)
            await _expired(world, core, begun)


async def test_while_it_waits_for_outputs() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        begun = await _begin(world, core)
        await world.clock.run_until(follow(core, begun))
        await _expired(world, core, begun)


async def test_while_it_waits_for_outputs_and_its_core_is_gone() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        first = world.core()
        begun = await _begin(world, first)
        await world.clock.run_until(follow(first, begun))
        await first.kill()
        await _expired(world, world.core(), begun)


async def test_answered_and_queued_again_its_time_goes_on() -> None:
    async with open_world(ScriptedModels(calls("f"), says("Done"))) as world:
        first = world.core()
        begun = await _begin(world, first)
        await world.clock.run_until(follow(first, begun))
        await first.kill()
        crowded = world.core(slots=0)
        await world.clock.advance(300)
        queued = await world.submit(crowded, begun, call_f="out")
        assert queued.state.status == machine.QUEUED
        await _expired(world, crowded, begun)


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (says("Hello"), "completed"),
        ([ModelError("server_error", "broken")], "failed"),
        (says("Hel", reason="length"), "incomplete"),
    ],
)
async def test_a_run_that_has_ended_neither_expires_nor_is_cancelled(
    script: Any, word: str
) -> None:
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        begun = await _begin(world, core)
        await world.clock.run_until(follow(core, begun))
        ended = await world.state(core, begun)
        await world.clock.advance(machine.EXPIRES_AFTER + 3)
        with pytest.raises(StateConflict, match=f"Cannot cancel run with status '{word}'\\."):
            await world.cancel(core, begun)
        assert await world.state(core, begun) == ended
