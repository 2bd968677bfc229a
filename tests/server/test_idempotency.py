"""One key, one object: on every create, at once or later, and never again after its deletion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import Core, World, caller, follow, new_message, open_world
from understudy.v1 import assistant_pb2, message_pb2, run_pb2, thread_pb2
from understudy_server.errors import IdempotencyMismatch, NotFound
from understudy_server.idempotency import identify, same_request
from understudy_server.ids import RandomIds

USER = message_pb2.MESSAGE_ROLE_USER


def _clockless(
    key: str | None, text: str = "a", *, project: str = "p", operation: str = "o"
) -> Any:
    request = thread_pb2.CreateThreadRequest(metadata={"k": text})
    return identify(
        RandomIds(), "thread_", project=project, operation=operation, key=key, request=request
    )


def test_ids_follow_from_project_operation_and_key() -> None:
    same = _clockless("k")
    assert _clockless("k") == same
    assert _clockless("k", "b").id == same.id
    assert _clockless("k", "b").fingerprint != same.fingerprint
    others = [_clockless("l"), _clockless("k", project="q"), _clockless("k", operation="x")]
    assert same.id not in {other.id for other in others}
    assert _clockless(None).id != _clockless(None).id
    assert _clockless(None).fingerprint == b""


def test_another_request_under_the_same_key_is_a_mismatch() -> None:
    same_request(b"x", b"x")
    with pytest.raises(IdempotencyMismatch):
        same_request(b"x", b"y")


class Creates:
    """Each way to create something: the same request under a key, or another one (``text``)."""

    def __init__(self, world: World[Any], core: Core) -> None:
        self._world = world
        self._core = core

    async def assistant(self, key: str, text: str) -> str:
        request = assistant_pb2.CreateAssistantRequest(model="m", name=text)
        return (await self._core.assistants.create(caller(key), request)).id

    async def thread(self, key: str, text: str) -> str:
        return await self._world.thread(self._core, text, key=key)

    async def large_thread(self, key: str, text: str) -> str:
        return await self._world.thread(self._core, *[text] * 100, key=key)

    async def message(self, key: str, text: str) -> str:
        thread = await self._world.thread(self._core, key="thread")
        return await self._world.say(self._core, thread, text, key)

    async def run(self, key: str, text: str) -> str:
        thread = await self._world.thread(self._core, key="thread")
        assistant = await self.assistant("assistant", "a")
        begun = await self._world.run(self._core, thread, assistant, key, instructions=text)
        return begun.spec.run.id

    async def thread_and_run(self, key: str, text: str) -> str:
        request = run_pb2.CreateThreadAndRunRequest(
            assistant_id=await self.assistant("assistant", "a"),
            thread={"messages": [new_message(text)]},  # type: ignore[arg-type]  # protobuf takes a dict
        )
        return (await self._core.runs.create_thread_and_run(caller(key), request)).spec.run.id


WAYS = ["assistant", "thread", "large_thread", "message", "run", "thread_and_run"]


@pytest.mark.parametrize("way", WAYS)
async def test_the_same_request_again_finds_the_first_object_and_another_is_refused(
    way: str,
) -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        create = getattr(Creates(world, world.core()), way)
        first = await create("k", "a")
        await world.clock.advance(5)
        assert await create("k", "a") == first
        with pytest.raises(IdempotencyMismatch):
            await create("k", "b")
        assert await create("l", "a") != first


@pytest.mark.parametrize("way", WAYS)
async def test_at_the_same_moment_on_two_cores(way: str) -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        ways = [getattr(Creates(world, world.core()), way) for _ in range(2)]
        creating = asyncio.gather(*(create("k", "a") for create in ways for _ in range(3)))
        found = await world.until(creating)
        assert len(set(found)) == 1
        await world.clock.advance(5)
        assert len(world.models.requests) <= 1


async def test_the_key_of_a_deleted_object_creates_nothing() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core()
        create = Creates(world, core)
        assistant = await create.assistant("k", "a")
        message = await create.message("k", "a")
        thread = await world.thread(core, key="thread")
        await core.assistants.delete(
            caller(), assistant_pb2.DeleteAssistantRequest(assistant_id=assistant)
        )
        await core.messages.delete(
            caller(), message_pb2.DeleteMessageRequest(thread_id=thread, message_id=message)
        )
        for gone in (create.assistant("k", "a"), create.message("k", "a")):
            with pytest.raises(NotFound):
                await gone
        await world.delete_thread(core, thread)
        for _ in range(2):
            with pytest.raises(NotFound):
                await world.thread(core, key="thread")
            await world.clock.advance(60)


async def test_a_run_is_found_again_though_its_assistant_is_deleted() -> None:
    async with open_world(ScriptedModels(says("Done"))) as world:
        core = world.core()
        thread, assistant = await world.thread(core, "Hi"), await world.assistant(core)
        begun = await world.run(core, thread, assistant, "k")
        await core.assistants.delete(
            caller(), assistant_pb2.DeleteAssistantRequest(assistant_id=assistant)
        )
        again = await world.run(core, thread, assistant, "k")
        assert again.spec == begun.spec
        first = await world.clock.run_until(follow(core, begun))
        assert await world.clock.run_until(follow(core, again)) == first


async def test_a_caller_that_goes_away_leaves_a_run_that_is_worked_on() -> None:
    async with open_world(ScriptedModels(says("Done")), clock=FakeClock()) as world:
        core = world.core()
        thread, assistant = await world.thread(core, "Hi"), await world.assistant(core)
        for steps in range(6):
            task = asyncio.create_task(world.run(core, thread, assistant, f"k{steps}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await world.clock.advance(1)
            head = await world.head(thread)
            assert not head.active_run, "begun and ended, or never begun"
