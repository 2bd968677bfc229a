"""Runs that exist: listed, and modified in any status."""

from __future__ import annotations

import pytest

from tests.server.runs.scripted import ScriptedModels, Wait, says
from tests.server.runs.world import caller, follow, open_world
from understudy.v1 import pagination_pb2, run_pb2
from understudy_server.errors import InvalidRequest, NotFound


async def test_runs_are_listed_by_thread_by_status_and_by_assistant() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        one, two = await world.assistant(core), await world.assistant(core)
        for assistant in (one, two, one):
            thread = await world.thread(core, "Hi")
            await world.clock.run_until(follow(core, await world.run(core, thread, assistant)))
        idle = world.core(slots=0)
        await world.clock.run_until(core.worker.stop())
        thread = await world.thread(idle, "Hi")
        waiting = await world.run(idle, thread, two)

        async def found(**fields: object) -> int:
            request = run_pb2.ListProjectRunsRequest(limit=100, **fields)  # type: ignore[arg-type]
            return len((await idle.stored_runs.list_project(caller(), request)).data)

        assert await found() == 4
        assert await found(assistant_id=one) == 2
        assert await found(status=run_pb2.RUN_STATUS_QUEUED) == 1
        assert await found(status=run_pb2.RUN_STATUS_COMPLETED, assistant_id=two) == 1
        first = await idle.stored_runs.list_project(
            caller(),
            run_pb2.ListProjectRunsRequest(limit=1, order=pagination_pb2.SORT_ORDER_ASC),
        )
        assert first.has_more
        assert await found(after=first.last_id, order=pagination_pb2.SORT_ORDER_ASC) == 3
        in_thread = await idle.stored_runs.list(caller(), run_pb2.ListRunsRequest(thread_id=thread))
        assert [run.id for run in in_thread.data] == [waiting.spec.run.id]


async def test_a_cursor_is_a_run_of_the_listing() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        with pytest.raises(NotFound, match="run_x"):
            await core.stored_runs.list_project(
                caller(), run_pb2.ListProjectRunsRequest(after="run_x")
            )
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        elsewhere = run_pb2.ListRunsRequest(
            thread_id=await world.thread(core), after=begun.spec.run.id
        )
        with pytest.raises(NotFound, match=begun.spec.run.id):
            await core.stored_runs.list(caller(), elsewhere)


async def test_the_metadata_is_modified_in_any_status_and_nothing_else() -> None:
    async with open_world(ScriptedModels([Wait()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        request = run_pb2.ModifyRunRequest(
            thread_id=thread, run_id=begun.spec.run.id, metadata={"at": "work"}
        )
        changed = await core.stored_runs.modify(caller(), request)
        assert changed.status == run_pb2.RUN_STATUS_IN_PROGRESS
        assert dict(changed.metadata) == {"at": "work"}
        await world.cancel(core, begun)
        await world.clock.advance(1)
        request.metadata["at"] = "an end"
        changed = await core.stored_runs.modify(caller(), request)
        assert changed.status == run_pb2.RUN_STATUS_CANCELLED
        assert dict(changed.metadata) == {"at": "an end"}
        assert changed == await world.state(core, begun)
        request.update_mask.paths.append("status")
        with pytest.raises(InvalidRequest, match="Unknown parameter: 'status'"):
            await core.stored_runs.modify(caller(), request)
