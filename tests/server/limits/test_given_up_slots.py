"""Slots of runs whose records go, and slots that one request gives up while another one uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.server.limits.limited_runs import BUDGET, ONE, TOKENS, TWO, counted, limited, start
from tests.server.runs.scripted import ScriptedModels, Wait, calls
from tests.server.runs.world import open_world
from tests.store.forwarding import ForwardingStore
from understudy.v1 import run_pb2
from understudy_server.errors import StateConflict, StoreUnavailable
from understudy_server.idempotency import identify
from understudy_server.limits.runs import RunBudgets
from understudy_server.runs import machine
from understudy_server.store.port import Commit, Version


async def test_what_a_run_has_used_counts_although_its_thread_is_deleted() -> None:
    async with open_world(ScriptedModels(calls("f"), [Wait()])) as world:
        core = world.core()
        waits = await start(world, core, TWO)
        await world.clock.advance(1)
        assert (await world.state(core, waits)).status == machine.REQUIRES_ACTION
        works = await start(world, core, TWO)
        await world.clock.advance(1)
        for begun in (waits, works):
            await world.delete_thread(core, begun.spec.run.thread_id)
        await world.clock.advance(5)
        # What the second one's model was saying is known to nobody.
        assert await counted(world) == (0, TOKENS, 0)


async def test_a_deleted_threads_records_wait_for_the_counting() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        begun = await start(world, core, ONE)
        await world.clock.advance(1)
        budgets, core.shared.slots.count = core.shared.slots.count, _away  # type: ignore[method-assign]  # it is away
        await world.delete_thread(core, begun.spec.run.thread_id)
        await world.clock.advance(30)
        assert await counted(world) == (1, 0, 1)
        core.shared.slots.count = budgets  # type: ignore[method-assign]  # and back
        await world.clock.advance(30)
        assert await counted(world) == (0, TOKENS, 0)


async def _away(budget: str, run_id: str) -> None:
    del budget, run_id
    raise StoreUnavailable("away")


async def test_a_slot_that_is_given_up_while_another_request_begins_its_run() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        request = run_pb2.CreateRunRequest(
            thread_id=await world.thread(core, "Hi"), assistant_id=await world.assistant(core)
        )
        identity = identify(
            world.ids,
            "run_",
            project="p",
            operation=f"CreateRun/{request.thread_id}",
            key="once",
            request=request,
        )

        async def begin() -> None:
            begun = await core.runs.create(limited(ONE, "once"), request)
            assert begun.spec.run.id == identity.id

        store = Interrupted(world.memory)
        refused = RunBudgets(store, world.clock)
        with pytest.raises(StateConflict):
            async with refused.slot(
                BUDGET, ONE, project="p", thread_id=request.thread_id, run_id=identity.id
            ):
                store.before_next_commit = begin
                raise StateConflict("busy")
        await world.clock.advance(1)
        assert store.before_next_commit is None
        assert await counted(world) == (1, 0, 1)
        await refused.close()


class Interrupted(ForwardingStore):
    """Does something before the next commit."""

    before_next_commit: Callable[[], Awaitable[None]] | None = None

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        work, self.before_next_commit = self.before_next_commit, None
        if work is not None:
            await work()
        return await super().commit(commit)
