"""What a run is created with, and what is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import Core, caller, function, open_world
from understudy.v1 import run_pb2, tool_pb2
from understudy_server.errors import DomainError, InvalidRequest, ModelNotFound, NotFound
from understudy_server.idempotency import Identity
from understudy_server.models.port import Resolved
from understudy_server.rpc import run_preparation
from understudy_server.runs import starting

SEARCH = tool_pb2.Tool(file_search={})  # type: ignore[arg-type]  # protobuf takes a dict


async def prepared(
    core: Core, assistant: str, *, drop_unavailable_tools: bool = False, **fields: Any
) -> starting.NewRun:
    return await run_preparation.prepare(
        core.shared,
        caller(),
        run_pb2.CreateRunRequest(assistant_id=assistant, **fields),
        Identity(id="run_1", fingerprint=b""),
        thread_id="thread_1",
        resources=tool_pb2.ToolResources(),
        drop_unavailable_tools=drop_unavailable_tools,
    )


async def test_a_run_knows_what_was_asked_for_and_what_serves_it() -> None:
    class Aliased(ScriptedModels):
        def resolve(self, name: str) -> Resolved:
            return Resolved(provider="p", model="new", context_window=1000, alias_of=name)

    async with open_world(Aliased(says("x"))) as world:
        core = world.core()
        new = await prepared(core, await world.assistant(core), metadata={"a": "b"})
        assert (new.spec.run.id, new.spec.run.thread_id) == ("run_1", "thread_1")
        assert (new.requested_model, new.served_model) == ("scripted", "p/new")
        assert new.metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"model": "missing"}, ModelNotFound, "The model 'missing' does not exist"),
        ({"tools": {"tools": [SEARCH]}}, InvalidRequest, "'file_search' is not available"),
        (
            {"tools": {"tools": [function("f"), function("f")]}},
            InvalidRequest,
            "more than once",
        ),
        (
            {"instructions": "x" * (run_preparation.MAX_SPEC_BYTES + 1)},
            InvalidRequest,
            "instructions and tools are too large",
        ),
    ],
)
async def test_refusals(fields: dict[str, Any], error: type[DomainError], words: str) -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        with pytest.raises(error, match=words):
            await prepared(core, await world.assistant(core), **fields)


async def test_without_an_assistant_there_is_no_run() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        with pytest.raises(NotFound, match="asst_x"):
            await prepared(world.core(), "asst_x")


async def test_a_tool_that_is_not_there_can_be_left_out() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        tools = {"tools": [function("f"), SEARCH]}
        new = await prepared(
            core, await world.assistant(core), tools=tools, drop_unavailable_tools=True
        )
        assert [tool.function.name for tool in new.spec.run.tools] == ["f"]
