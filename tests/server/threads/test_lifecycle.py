"""Threads from their creation, in one commit or in several, to the last trace of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.runs.scripted import ScriptedModels, Wait, says
from tests.server.runs.world import (
    PROJECT,
    caller,
    follow,
    names,
    new_message,
    open_world,
    text_of,
)
from understudy.v1 import message_pb2, pagination_pb2, run_pb2, thread_pb2
from understudy_server.errors import InvalidRequest, NotFound, StateConflict, StoreError
from understudy_server.runs import head as heads
from understudy_server.store import tables
from understudy_server.store.port import Commit, Put
from understudy_server.threads import creation

TEXTS = [f"message {number}" for number in range(500)]


async def test_five_hundred_messages_are_there_at_once_and_in_order() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, *TEXTS)
        stored = await world.memory.list(
            tables.thread_partition(PROJECT, thread), "message", limit=1000
        )
        assert [text_of(tables.messages.parse(r).body.message) for r in stored] == TEXTS
        after = await world.say(core, thread, "last")
        assert (
            await world.memory.list(tables.thread_partition(PROJECT, thread), "message", limit=1000)
        )[-1].id == after


class _Dies(StoreError):
    pass


async def test_a_crash_in_the_middle_of_staging_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        commits = 0
        commit = world.memory.commit

        async def dying(given: Commit) -> Any:
            nonlocal commits
            commits += 1
            if commits == 4:
                raise _Dies("gone")
            return await commit(given)

        monkeypatch.setattr(world.memory, "commit", dying)
        with pytest.raises(_Dies):
            await world.thread(core, *TEXTS, key="k")
        partition = tables.thread_partition(PROJECT, await _id(world, core))
        assert len(await world.memory.list(partition, None, limit=1000)) == 3 * 80 + 1
        with pytest.raises(NotFound):
            await core.threads.get(
                caller(), thread_pb2.GetThreadRequest(thread_id=partition.name[7:])
            )
        await world.clock.advance(heads.STAGE_LIMIT / 1e6 + 5)
        assert await world.memory.list(partition, None, limit=1000) == []
        assert await world.thread(core, *TEXTS, key="k") == partition.name[7:]


async def test_a_repeated_creation_goes_on_where_the_first_one_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        commits = 0
        commit = world.memory.commit

        async def dying(given: Commit) -> Any:
            nonlocal commits
            commits += 1
            if commits == 3:
                raise _Dies("gone")
            return await commit(given)

        monkeypatch.setattr(world.memory, "commit", dying)
        with pytest.raises(_Dies):
            await world.thread(core, *TEXTS, key="k")
        begun = world.clock.monotonic()
        repeats = [asyncio.create_task(world.thread(core, *TEXTS, key="k")) for _ in range(2)]
        made = [await world.until(repeat) for repeat in repeats]
        assert world.clock.monotonic() - begun < heads.STAGE_LIMIT / 1e6
        assert set(made) == {await _id(world, core)}
        partition = tables.thread_partition(PROJECT, made[0])
        stored = await world.memory.list(partition, "message", limit=1000)
        assert [text_of(tables.messages.parse(r).body.message) for r in stored] == TEXTS


async def test_a_repeated_creation_waits_for_the_first_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        gate = asyncio.Event()
        commit = world.memory.commit

        async def slow(given: Commit) -> Any:
            if any(isinstance(o, Put) and o.kind == "thread" for o in given.operations):
                await gate.wait()
            return await commit(given)

        monkeypatch.setattr(world.memory, "commit", slow)
        first = asyncio.create_task(world.thread(core, *TEXTS, key="k"))
        await world.clock.advance(0)
        second = asyncio.create_task(world.thread(core, *TEXTS, key="k"))
        await world.clock.advance(creation.ABANDONED_AFTER / 2)
        gate.set()
        assert await world.until(first) == await world.until(second)


async def test_a_creation_that_the_purge_has_overtaken_shows_no_thread_with_holes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        gate = asyncio.Event()
        commits = 0
        commit = world.memory.commit

        async def slow(given: Commit) -> Any:
            nonlocal commits
            if any(isinstance(o, Put) and o.kind == "message" for o in given.operations):
                commits += 1
                if commits == 4:
                    await gate.wait()
            return await commit(given)

        monkeypatch.setattr(world.memory, "commit", slow)
        creating = asyncio.create_task(world.thread(core, *TEXTS, key="k"))
        await world.clock.advance(heads.STAGE_LIMIT / 1e6 + 5)
        gate.set()
        with pytest.raises(StoreError):
            await world.until(creating)
        await world.clock.advance(2 * heads.STAGE_LIMIT / 1e6)
        partition = tables.thread_partition(PROJECT, await _id(world, core))
        assert await world.memory.list(partition, None, limit=1000) == []


async def test_a_deleted_thread_is_gone_and_leaves_a_tombstone_only() -> None:
    async with open_world(ScriptedModels(says("a"))) as world:
        core = world.core()
        thread = await world.thread(core, *TEXTS[:130])
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        await world.delete_thread(core, thread)
        listed = await core.threads.list(caller(), thread_pb2.ListThreadsRequest())
        assert not listed.data
        for missing in (
            core.threads.get(caller(), thread_pb2.GetThreadRequest(thread_id=thread)),
            world.say(core, thread, "more"),
            world.state(core, begun),
            world.delete_thread(core, thread),
            world.resume(core, begun),
        ):
            with pytest.raises(NotFound):
                await missing
        await world.clock.advance(10)
        assert await world.left(thread) == ["head"]
        assert await world.log(begun) == []
        assert await world.memory.due(world.memory.now() + 10**13, 10) == []
        runs = await core.stored_runs.list_project(caller(), run_pb2.ListProjectRunsRequest())
        assert not runs.data


async def test_deletion_while_a_run_works() -> None:
    models = ScriptedModels([Wait()])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        await world.delete_thread(core, thread)
        await world.clock.advance(10)
        assert models.open == 0
        assert await world.left(thread) == ["head"]
        assert not core.worker._running


async def test_a_thread_with_its_first_run() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core()
        request = run_pb2.CreateThreadAndRunRequest(assistant_id=await world.assistant(core))
        request.thread.messages.extend(new_message(text) for text in TEXTS[:100])
        begun = await core.runs.create_thread_and_run(caller(), request)
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[:3] == ["thread_created", "run_created", "run_queued"]
        assert names(events)[-1] == "run_completed"
        assert len(world.models.requests[0].items) == 100


async def test_no_message_while_a_run_is_active_and_again_afterwards() -> None:
    gate = asyncio.Event()
    async with open_world(ScriptedModels([Wait(gate), *says("Done")])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        id = begun.spec.run.id
        with pytest.raises(
            StateConflict, match=f"Can't add messages to {thread} while a run {id} is active."
        ):
            await world.say(core, thread, "more")
        with pytest.raises(StateConflict, match=f"Thread {thread} already has an active run {id}."):
            await world.run(core, thread, begun.spec.run.assistant_id)
        gate.set()
        await world.clock.run_until(follow(core, begun))
        await world.say(core, thread, "more")
        assert [text_of(m) for m in await world.messages(core, thread)] == ["Hi", "Done", "more"]


async def test_metadata_and_messages_change_during_a_run_without_disturbing_it() -> None:
    gate = asyncio.Event()
    async with open_world(ScriptedModels([*says("a")[:1], Wait(gate), *says("b")])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi", "Ho")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        first, second = await world.messages(core, thread)
        await core.messages.modify(
            caller(),
            message_pb2.ModifyMessageRequest(
                thread_id=thread, message_id=first.id, metadata={"a": "b"}
            ),
        )
        await core.messages.delete(
            caller(), message_pb2.DeleteMessageRequest(thread_id=thread, message_id=second.id)
        )
        await core.threads.modify(
            caller(), thread_pb2.ModifyThreadRequest(thread_id=thread, metadata={"c": "d"})
        )
        await core.stored_runs.modify(
            caller(),
            run_pb2.ModifyRunRequest(
                thread_id=thread, run_id=begun.spec.run.id, metadata={"e": "f"}
            ),
        )
        gate.set()
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_completed"
        assert events[-1].run_completed.metadata["e"] == "f"
        assert [text_of(m) for m in await world.messages(core, thread)] == ["Hi", "ab"]


async def test_messages_of_one_run_are_listed_by_its_id() -> None:
    async with open_world(ScriptedModels(says("a"), says("b"))) as world:
        core = world.core()
        assistant = await world.assistant(core)
        thread = await world.thread(core, "Hi")
        for text in ("a", "b"):
            begun = await world.run(core, thread, assistant)
            await world.clock.run_until(follow(core, begun))
            request = message_pb2.ListMessagesRequest(
                thread_id=thread, run_id=begun.spec.run.id, order=pagination_pb2.SORT_ORDER_ASC
            )
            (only,) = (await core.messages.list(caller(), request)).data
            assert text_of(only) == text


async def test_what_cannot_be_stored_in_one_commit_is_refused() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core)
        with pytest.raises(InvalidRequest, match="too large"):
            await world.say(core, thread, "x" * (creation.CHUNK_BYTES + 1))
        assistant = await world.assistant(core)
        with pytest.raises(InvalidRequest, match="array too long"):
            await world.run(core, thread, assistant, additional_messages=[new_message("x")] * 81)
        with pytest.raises(InvalidRequest, match="too large"):
            await world.run(
                core,
                thread,
                assistant,
                instructions="\U0001f600" * 200_000,
            )


async def test_large_instructions_and_large_messages_together() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core()
        request = run_pb2.CreateThreadAndRunRequest(
            assistant_id=await world.assistant(core), instructions="\u00e9" * 250_000
        )
        request.thread.messages.extend(new_message("x" * 650_000) for _ in range(2))
        begun = await core.runs.create_thread_and_run(caller(), request)
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_completed"


async def _id(world: Any, core: Any) -> str:
    """The id that the key ``k`` leads to."""
    from understudy_server.ids import derived

    return derived("thread_", PROJECT, "CreateThread", "k")
