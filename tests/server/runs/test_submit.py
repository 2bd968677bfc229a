"""Tool outputs: which are taken, and what a second try meets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.runs.scripted import ScriptedModels, Wait, calls, says
from tests.server.runs.world import World, follow, function, names, open_world
from understudy_server.errors import InvalidRequest, NotFound, StateConflict
from understudy_server.runs import machine


async def _waiting(world: World[Any], core: Any) -> Any:
    thread = await world.thread(core, "Hi")
    begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
    await world.clock.run_until(follow(core, begun))
    return begun


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"call_f": "1"},
        {"call_f": "1", "call_x": "2"},
        {"call_f": "1", "call_g": "2", "call_x": ""},
    ],
)
async def test_other_calls_than_those_that_wait_are_refused(outputs: Any) -> None:
    async with open_world(ScriptedModels(calls("f", "g"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        with pytest.raises(StateConflict, match=r"Expected tool outputs for call_ids"):
            await world.submit(core, begun, **outputs)
        assert (await world.state(core, begun)).status == machine.REQUIRES_ACTION


async def test_the_same_outputs_again_return_the_run_and_its_events_from_there() -> None:
    async with open_world(ScriptedModels(calls("f"), says("Done"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        first = await world.clock.run_until(
            follow(core, await world.submit(core, begun, call_f="1"))
        )
        again = await world.submit(core, begun, call_f="1")
        assert again.state.status == machine.COMPLETED
        assert await world.clock.run_until(follow(core, again)) == first
        assert names(first)[0] == "step_completed"
        with pytest.raises(StateConflict, match='Runs in status "completed"'):
            await world.submit(core, begun, call_f="2")


async def test_a_late_repeat_meets_the_next_round() -> None:
    async with open_world(ScriptedModels(calls("f"), calls("g"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        await world.clock.run_until(follow(core, await world.submit(core, begun, call_f="1")))
        again = await world.submit(core, begun, call_f="1")
        assert again.state.status == machine.REQUIRES_ACTION
        assert names(await world.clock.run_until(follow(core, again)))[-1] == "run_requires_action"


async def test_an_empty_output_is_an_output() -> None:
    async with open_world(ScriptedModels(calls("f"), says("Done"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        events = await world.clock.run_until(
            follow(core, await world.submit(core, begun, call_f=""))
        )
        assert names(events)[-1] == "run_completed"


async def test_too_late() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        await world.clock.advance(machine.EXPIRES_AFTER + 3)
        with pytest.raises(StateConflict, match='Runs in status "expired"'):
            await world.submit(core, begun, call_f="1")


async def test_too_early() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        with pytest.raises(StateConflict, match='Runs in status "in_progress"'):
            await world.submit(core, begun, call_f="1")


async def test_outputs_too_large_to_store_are_refused() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        with pytest.raises(InvalidRequest, match="too large"):
            await world.submit(core, begun, call_f="x" * 500_000)


async def test_in_a_deleted_thread() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        await world.delete_thread(core, begun.spec.run.thread_id)
        with pytest.raises(NotFound):
            await world.submit(core, begun, call_f="1")


async def test_without_room_another_core_goes_on() -> None:
    async with open_world(ScriptedModels(calls("f"), says("Done"))) as world:
        core = world.core()
        begun = await _waiting(world, core)
        full = world.core(slots=0)
        events = await world.clock.run_until(
            follow(full, await world.submit(full, begun, call_f="1"))
        )
        assert names(events)[-1] == "run_completed"
