"""A run's tokens count once, whoever asks for it again and whenever its records go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from tests.clock import FakeClock
from tests.server.limits.limited_runs import BUDGET, ONE, TOKENS, TWO, counted, limited, start
from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import open_world
from tests.store.forwarding import ForwardingStore
from understudy.v1 import run_pb2
from understudy.v1.usage_pb2 import Usage
from understudy_server.clock import SECOND
from understudy_server.errors import NotFound
from understudy_server.idempotency import identify
from understudy_server.limits.fate import tokens_if_over
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.runs import LOOK, RunBudgets
from understudy_server.runs.head import tombstone
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Store, Version
from understudy_server.store.v1.records_pb2 import Head, RunSlot, RunState, StepRecord
from understudy_server.threads import purge


async def test_a_run_that_ended_counts_although_its_thread_is_deleted_before_its_slot_is_freed() -> (
    None
):
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        core.budgets.ended = lambda budget, run_id: None  # type: ignore[method-assign]  # its core died before
        begun = [await start(world, core, TWO), await start(world, core, TWO)]
        await world.clock.advance(1)
        assert await counted(world) == (2, 0, 2)
        for each in begun:
            await world.delete_thread(core, each.spec.run.thread_id)
        await world.clock.advance(1)
        assert await world.left(begun[0].spec.run.thread_id) == ["head"]
        assert await counted(world) == (0, 2 * TOKENS, 0)


@pytest.mark.parametrize("chunk", [1, 2, 3, 45])
async def test_every_run_of_a_deleted_thread_counts_wherever_a_chunk_of_its_records_ends(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "CHUNK", chunk)
    runs = 10
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        core.budgets.ended = lambda budget, run_id: None  # type: ignore[method-assign]  # its core died before
        thread = await world.thread(core, "Hi")
        for _ in range(runs):
            await start(world, core, KeyLimits(concurrent_runs=runs), thread=thread)
            await world.clock.advance(0.5)
        await world.delete_thread(core, thread)
        await world.clock.advance(5)
        assert await world.left(thread) == ["head"]
        assert await counted(world) == (0, runs * TOKENS, 0)


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("calls_before", range(6))
async def test_a_request_that_comes_again_while_its_run_begins_and_ends(
    calls_before: int, *, deleted: bool
) -> None:
    """The whole life of the run falls between any two calls of the store by the second request."""
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        request = run_pb2.CreateRunRequest(
            thread_id=await world.thread(core, "Hi"), assistant_id=await world.assistant(core)
        )
        operation = f"CreateRun/{request.thread_id}"
        identity = identify(
            world.ids, "run_", project="p", operation=operation, key="once", request=request
        )

        async def live() -> None:
            begun = await core.runs.create(limited(ONE, "once"), request)
            assert begun.spec.run.id == identity.id
            await world.clock.sleep(1)
            if deleted:
                await world.delete_thread(core, request.thread_id)
                await world.clock.sleep(1)

        store = Between(world.memory, calls_before, live)
        again = RunBudgets(store, world.clock)

        async def come_again() -> None:
            async with again.slot(
                BUDGET, ONE, project="p", thread_id=request.thread_id, run_id=identity.id
            ):
                await store.live()
                if deleted:
                    raise NotFound("deleted")

        with pytest.raises(NotFound) if deleted else nullcontext():
            await world.clock.run_until(come_again())
        await world.clock.advance(3 * LOOK / SECOND)
        assert await counted(world) == (0, TOKENS, 0)
        await again.close()


class Between(ForwardingStore):
    """Does something once, before one of its calls."""

    def __init__(
        self, inner: Store, calls_before: int, work: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(inner)
        self._calls_before = calls_before
        self._work: Callable[[], Awaitable[None]] | None = work

    async def live(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            await work()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._reach()
        return await super().commit(commit)

    async def _reach(self) -> None:
        if not self._calls_before:
            await self.live()
        self._calls_before -= 1


async def test_what_is_left_of_a_run_that_is_being_purged_counts_no_more() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    slot = RunSlot(project="p", thread_id="thread_1", taken_at=store.now())
    partition = tables.thread_partition("p", "thread_1")
    buried = tombstone(Head(active_run="run_1"), now=store.now())
    step = StepRecord(usage=Usage(total_tokens=5))
    state = tables.runs.put("run_1", RunState(), expected=None, order=1)
    operations = [
        buried.put(None),
        tables.steps("run_1").put("step_1", step, expected=None, order=2),
        state,
    ]
    versions = await commit_new(store, partition, operations, clock)
    assert await tokens_if_over(store, "run_1", slot) == 5
    # The purge begins when it is counted, and takes the oldest first.
    gone = tables.runs.made(partition, state, versions[2] or "", "")
    await commit_new(store, partition, [tables.runs.delete(gone)], clock)
    assert await tokens_if_over(store, "run_1", slot) == 0
