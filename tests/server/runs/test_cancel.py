"""Cancelling a run, in every state and at every moment."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.runs.gated import GatedStore
from tests.server.runs.scripted import ScriptedModels, Wait, calls, finished, says
from tests.server.runs.world import REPEATED, caller, follow, function, names, open_world, text_of
from understudy.v1 import message_pb2, run_pb2
from understudy_server.errors import NotFound, StateConflict
from understudy_server.models.port import TextDelta
from understudy_server.runs import machine


async def test_while_the_model_stalls_its_stream_is_closed_at_once() -> None:
    models = ScriptedModels([TextDelta(text="Well"), Wait()])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        assert models.open == 1
        assert (await world.cancel(core, begun)).status == machine.CANCELLING
        await world.clock.advance(0)
        assert models.open == 0
        events = await world.log(begun)
        assert names(events)[-4:] == [
            "run_cancelling",
            "message_incomplete",
            "step_cancelled",
            "run_cancelled",
        ]
        _, answer = await world.messages(core, thread)
        assert text_of(answer) == "Well"
        reason = message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_CANCELLED
        assert answer.incomplete_details.reason == reason
        assert (await world.state(core, begun)).HasField("usage")


async def test_before_the_first_word_no_message_remains() -> None:
    models = ScriptedModels([Wait()])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        await world.cancel(core, begun)
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-2:] == ["run_cancelling", "run_cancelled"]
        assert len(await world.messages(core, thread)) == 1


async def test_a_run_that_nobody_holds_ends_in_the_same_commit() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core(slots=0)
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        assert (await world.cancel(core, begun)).status == machine.CANCELLED
        assert names(await world.log(begun)) == [
            "run_created",
            "run_queued",
            "run_cancelling",
            "run_cancelled",
        ]
        assert not (await world.head(thread)).active_run


async def test_a_run_that_waits_for_outputs() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        seen = await world.clock.run_until(follow(core, begun))
        await world.cancel(core, begun)
        rest = await world.clock.run_until(world.resume(core, begun, seen[-1].id))
        assert names(rest) == ["run_cancelling", "step_cancelled", "run_cancelled"]
        with pytest.raises(StateConflict, match="cancelled"):
            await world.submit(core, begun, call_f="1")


async def test_twice_is_once() -> None:
    models = ScriptedModels([Wait()])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        both = [await world.cancel(core, begun), await world.cancel(core, begun)]
        assert [run.status for run in both] == [machine.CANCELLING] * 2
        await world.clock.run_until(follow(core, begun))
        with pytest.raises(StateConflict, match="Cannot cancel run with status 'cancelled'"):
            await world.cancel(core, begun)


async def test_of_a_completed_run_is_refused_and_of_an_unknown_one_not_found() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        with pytest.raises(StateConflict, match="Cannot cancel run with status 'completed'"):
            await world.cancel(core, begun)
        with pytest.raises(NotFound):
            await core.stored_runs.cancel(
                caller(), run_pb2.CancelRunRequest(thread_id=thread, run_id="run_x")
            )


async def test_accepted_while_the_completing_commit_is_under_way_it_wins() -> None:
    gate = asyncio.Event()
    models = ScriptedModels([TextDelta(text="Well"), Wait(gate), finished()])
    async with open_world(models) as world:
        holder = world.core(store=(store := GatedStore(world.memory)))
        other = world.core()
        thread = await world.thread(other, "Hi")
        begun = await world.run(holder, thread, await world.assistant(other))
        await world.clock.advance(1)
        store.gate.clear()
        gate.set()
        await world.clock.advance(0)
        assert (await world.cancel(other, begun)).status == machine.CANCELLING
        store.gate.set()
        await world.clock.advance(0)
        assert (await world.state(other, begun)).status == machine.CANCELLED
        assert names(await world.log(begun))[-1] == "run_cancelled"


@pytest.mark.parametrize("moment", range(12))
async def test_against_every_moment_of_a_run(moment: int) -> None:
    """Whatever the race, an accepted cancel is honoured and a refused one means that the run had ended."""
    async with open_world(ScriptedModels(says("a", "b", "c"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        for _ in range(moment):
            await asyncio.sleep(0)
        try:
            await world.cancel(core, begun)
        except StateConflict:
            expected = machine.COMPLETED
        else:
            expected = machine.CANCELLED
        await world.clock.advance(1)
        assert (await world.state(core, begun)).status == expected
        assert not (await world.head(thread)).active_run
        log = await world.log(begun)
        assert names(log).count("message_created") == sum(
            name in {"message_completed", "message_incomplete"} for name in names(log)
        )


@pytest.mark.parametrize("slots", [1, 0])
async def test_made_again_after_its_answer_was_lost_it_finds_its_success(slots: int) -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core(slots=slots)
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        await world.cancel(core, begun)
        await world.clock.advance(1)
        log = await world.log(begun)
        with pytest.raises(StateConflict, match="Cannot cancel run with status 'cancelled'"):
            await world.cancel(core, begun)
        REPEATED.set(True)
        assert (await world.cancel(core, begun)).status == machine.CANCELLED
        assert await world.log(begun) == log


async def test_made_again_it_does_not_take_another_end_for_its_success() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        REPEATED.set(True)
        with pytest.raises(StateConflict, match="Cannot cancel run with status 'completed'"):
            await world.cancel(core, begun)


async def test_expiry_does_not_overtake_it() -> None:
    models = ScriptedModels([Wait()])
    async with open_world(models) as world:
        holder = world.core(store=(store := GatedStore(world.memory)))
        thread = await world.thread(holder, "Hi")
        begun = await world.run(holder, thread, await world.assistant(holder))
        await world.clock.advance(1)
        store.gate.clear()
        other = world.core(slots=0)
        await world.cancel(other, begun)
        await world.clock.advance(machine.EXPIRES_AFTER)
        store.gate.set()
        await world.clock.advance(1)
        assert (await world.state(other, begun)).status == machine.CANCELLED
