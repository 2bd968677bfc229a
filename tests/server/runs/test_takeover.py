"""Runs whose core dies, stands still, or stops on purpose."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.runs.gated import GatedStore
from tests.server.runs.scripted import ScriptedModels, Step, Wait, calls, finished, says
from tests.server.runs.world import follow, function, ids, names, open_world, said, text_of
from understudy.v1 import run_pb2
from understudy_server.errors import StoreUnavailable
from understudy_server.models.port import TextDelta, ToolCallStarted
from understudy_server.runs import head as heads
from understudy_server.runs import machine


class SlowToCommit(GatedStore):
    """Its gate holds up commits only."""

    async def _reach(self) -> None: ...


STUCK: list[Step] = [TextDelta(text="Well"), TextDelta(text=" ..."), Wait()]


async def test_a_takeover_closes_the_message_and_answers_anew() -> None:
    async with open_world(ScriptedModels(STUCK, says("Done"))) as world:
        first, second = world.core(), world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(1)
        await first.kill()
        events = await world.clock.run_until(follow(second, begun))
        assert names(events)[3 + 4 : 3 + 4 + 5] == [
            "message_delta",
            "message_delta",
            "message_incomplete",
            "step_failed",
            "run_in_progress",
        ]
        assert [e.id for e in events if e.id.startswith("2-")][:3] == ["2-1", "2-2", "2-3"]
        assert names(events)[-1] == "run_completed"
        question, answer = await world.messages(second, thread)
        assert (text_of(question), text_of(answer)) == ("Hi", "Done")
        assert len(await world.steps(second, begun)) == 2
        assert ids(events) == ids(await world.log(begun))
        assert len(world.models.requests[1].items) == 1, "the abandoned message is not sent"


async def test_what_was_shown_and_not_logged_is_superseded() -> None:
    async with open_world(ScriptedModels(STUCK, says("Done"))) as world:
        first = world.core()
        world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(0)
        seen = asyncio.create_task(follow(first, begun))
        await world.clock.advance(0.05)
        await first.kill()
        await world.clock.advance(30)
        events = await world.until(seen)
        assert said(events) == "Well ...Done"
        (cut,) = (e.message_incomplete for e in events if e.HasField("message_incomplete"))
        assert text_of(cut) == "Well"
        assert [e.id for e in events] == sorted((e.id for e in events), key=_key)


async def test_a_core_that_stood_still_changes_nothing_afterwards() -> None:
    gate = asyncio.Event()
    script: list[Step] = [TextDelta(text="Well"), Wait(gate), TextDelta(text="!"), finished()]
    async with open_world(ScriptedModels(script, says("Done"))) as world:
        stale = world.core(store=(store := GatedStore(world.memory)))
        thread = await world.thread(stale, "Hi")
        begun = await world.run(stale, thread, await world.assistant(stale))
        reading = asyncio.create_task(follow(stale, begun))
        await world.clock.advance(1)
        store.gate.clear()
        other = world.core()
        await world.clock.advance(20)
        before = await world.log(begun)
        assert names(before)[-1] == "run_completed"
        gate.set()
        store.gate.set()
        await world.clock.advance(10)
        assert await world.log(begun) == before
        assert [text_of(m) for m in await world.messages(other, thread)] == ["Hi", "Done"]
        events = await world.until(reading)
        durable = [e for e in events if not e.HasField("message_delta")]
        assert durable == [e for e in await _presented(world, other, begun) if e in durable]
        assert names(durable)[-1] == "run_completed"


async def test_a_step_of_calls_that_was_cut_off_fails_and_the_calls_are_made_anew() -> None:
    cut: list[Step] = [ToolCallStarted(index=0, call_id="call_x", name="f"), Wait()]
    async with open_world(ScriptedModels(cut, calls("f"))) as world:
        first, second = world.core(), world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first, tools=[function("f")]))
        await world.clock.advance(1)
        await first.kill()
        events = await world.clock.run_until(follow(second, begun))
        assert "step_failed" in names(events)
        calls_made = events[-1].run_requires_action.required_action.submit_tool_outputs.tool_calls
        assert [call.id for call in calls_made] == ["call_f"]


async def test_the_budget_of_deaths() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        for deaths in range(heads.MAX_TAKEOVERS):
            assert (await world.head(thread)).takeovers == deaths
            await world.clock.advance(1)
            await core.kill()
            core = world.core()
            await world.clock.advance(20)
        await core.kill()
        core = world.core()
        events = await world.clock.run_until(follow(core, begun))
        assert events[-1].run_failed.last_error.code == run_pb2.RUN_ERROR_CODE_SERVER_ERROR
        assert not (await world.head(thread)).active_run


async def test_handovers_cost_nothing_of_that_budget() -> None:
    async with open_world(ScriptedModels(STUCK)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        for _ in range(heads.MAX_TAKEOVERS + 3):
            await world.clock.advance(1)
            await world.clock.run_until(core.worker.stop())
            assert not (await world.head(thread)).holder
            core = world.core()
        await world.clock.advance(1)
        assert (await world.head(thread)).takeovers == 0
        assert (await world.state(core, begun)).status == machine.IN_PROGRESS


async def test_a_core_that_stops_finishes_what_fits_its_grace() -> None:
    gate = asyncio.Event()
    async with open_world(ScriptedModels([Wait(gate), *says("Done")])) as world:
        core = world.core(grace=20.0)
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        stopping = asyncio.create_task(core.worker.stop())
        await world.clock.advance(10)
        assert core.worker.slot().core is None
        gate.set()
        await world.until(stopping)
        assert (await world.state(core, begun)).status == machine.COMPLETED


async def test_a_core_that_stops_hands_over_what_it_was_about_to_begin() -> None:
    async with open_world(ScriptedModels(STUCK, says("Done"))) as world:
        core = world.core(store=(store := SlowToCommit(world.memory)))
        thread, assistant = await world.thread(core, "Hi"), await world.assistant(core)
        store.gate.clear()
        beginning = asyncio.create_task(world.run(core, thread, assistant))
        await world.clock.advance(1)
        stopping = asyncio.create_task(core.worker.stop())
        await world.clock.advance(1)
        assert not stopping.done()
        store.gate.set()
        await world.until(stopping)
        begun = await world.until(beginning)
        head = await world.head(thread)
        assert (head.active_run, head.holder, head.takeovers) == (begun.spec.run.id, "", 0)


async def test_a_run_that_begins_too_late_for_that_is_handed_over_by_itself() -> None:
    async with open_world(ScriptedModels(STUCK, says("Done"))) as world:
        core = world.core(store=(store := SlowToCommit(world.memory)))
        thread, assistant = await world.thread(core, "Hi"), await world.assistant(core)
        store.gate.clear()
        beginning = asyncio.create_task(world.run(core, thread, assistant))
        await world.clock.advance(1)
        await world.clock.run_until(core.worker.stop())
        assert not beginning.done()
        store.gate.set()
        begun = await world.until(beginning)
        await world.clock.advance(1)
        head = await world.head(thread)
        assert (head.active_run, head.holder, head.takeovers) == (begun.spec.run.id, "", 0)


async def test_the_reader_of_a_core_that_stops_goes_on_elsewhere() -> None:
    async with open_world(ScriptedModels(STUCK, says("Done"))) as world:
        first = world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(1)
        await world.clock.run_until(first.worker.stop())
        seen = await world.log(begun)
        second = world.core()
        events = await world.clock.run_until(world.resume(second, begun, seen[-1].id))
        assert ids([*seen, *events]) == ids(await world.log(begun))
        assert names(events)[-1] == "run_completed"


async def test_two_cores_share_the_runs_of_one_store() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        asking, working = world.core(slots=0), world.core(slots=2)
        assistant = await world.assistant(asking)
        begun = []
        for _ in range(5):
            thread = await world.thread(asking, "Hi")
            begun.append(await world.run(asking, thread, assistant))
        for run in begun:
            events = await world.clock.run_until(follow(asking, run))
            assert names(events)[-1] == "run_completed"
        assert not working.worker._running


@pytest.mark.parametrize("how_long", [1.0, 1.99])
async def test_a_run_without_room_waits_for_a_wake_up_only(how_long: float) -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        full, free = world.core(slots=0), world.core()
        assistant = await world.assistant(full)
        thread = await world.thread(full, "Hi")
        # Somewhere between two looks that need no wake-up.
        await world.clock.advance(how_long)
        begun = await world.run(full, thread, assistant)
        await world.clock.advance(0)
        assert len(free.worker._running) == 1
        assert (await world.state(full, begun)).status == machine.IN_PROGRESS


async def test_room_that_is_free_again_is_used_at_once() -> None:
    gate = asyncio.Event()
    script: list[Step] = [TextDelta(text="Well"), Wait(gate), finished()]
    async with open_world(ScriptedModels(script, [Wait()])) as world:
        core = world.core(slots=1)
        assistant = await world.assistant(core)
        first = await world.run(core, await world.thread(core, "Hi"), assistant)
        second = await world.run(core, await world.thread(core, "Hi"), assistant)
        await world.clock.advance(1)
        assert (await world.state(core, second)).status == machine.QUEUED
        gate.set()
        await world.clock.advance(0.1)
        assert (await world.state(core, first)).status == machine.COMPLETED
        assert (await world.state(core, second)).status == machine.IN_PROGRESS


async def test_runs_that_cannot_be_claimed_do_not_hide_the_work_behind_them() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core(slots=0)
        assistant = await world.assistant(core)
        threads = [await world.thread(core) for _ in range(450)]
        for thread in threads:
            await world.run(core, thread, assistant)
        await world.clock.advance(1)
        gone = await world.thread(core, "Hi")
        await world.delete_thread(core, gone)
        await world.clock.advance(10)
        assert await world.left(gone) == ["head"]


async def test_requests_at_one_moment_never_share_a_slot() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core(slots=3)
        assistant = await world.assistant(core)
        threads = [await world.thread(core, "Hi") for _ in range(10)]
        await asyncio.gather(*(world.run(core, thread, assistant) for thread in threads))
        await world.clock.advance(1)
        assert len(core.worker._running) == 3
        assert world.models.open == 3


async def test_a_read_that_fails_is_no_death(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core()
        request, failures = core.shared.history.request, [StoreUnavailable("away")] * 5

        async def failing(claim: Any, run: Any) -> Any:
            if failures:
                raise failures.pop()
            return await request(claim, run)

        monkeypatch.setattr(core.shared.history, "request", failing)
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_completed"


async def _presented(world: Any, core: Any, begun: Any) -> Any:
    return await world.clock.run_until(world.resume(core, begun))


def _key(id: str) -> tuple[int, int]:
    attempt, n = id.split("-")
    return int(attempt), int(n)
