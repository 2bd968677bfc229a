"""From one backend to the next: nothing is lost on the way, and a core goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import text_of
from tests.store.copying.content import KEYED, Made, converse, fill, run, snapshot
from understudy.v1 import assistant_pb2, message_pb2, pagination_pb2, run_pb2
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_server.auth.keys import ApiKeys
from understudy_server.clock import SystemClock
from understudy_server.local import local
from understudy_server.store.copying.comparing import Copyable
from understudy_server.store.copying.copier import Copier
from understudy_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceAsyncStub

CLOCK = SystemClock()
"""A clock that stands still would not do: real stores answer in their own time."""


async def there_and_back(between: Copyable, folder: Path, *, partitions: int = 8) -> None:
    """From a file into a store that is empty, and on into another file."""
    async with _file(folder / "one.db") as one, _file(folder / "two.db") as two:
        made = await converse(one, CLOCK)
        await fill(one, Random(7), partitions)
        await copy(one, between)
        await copy(between, two)
        assert await snapshot(two) == await snapshot(one)
        await goes_on(two, made)
        await goes_on(between, made)


async def copy(source: Copyable, target: Copyable) -> None:
    copier = Copier(source, target, origin="old", clock=CLOCK, report=lambda _doing, _counts: None)
    await copier.run()
    assert await snapshot(target) == await snapshot(source)


async def goes_on(store: Copyable, made: Made) -> None:
    """Old threads go on where they were, and nothing is done twice."""
    (key,) = await ApiKeys(store=store, clock=CLOCK).list()
    assert key.key.name == "a key"
    models = ScriptedModels(says("Seen."), says("Again."))
    async with local(store=store, models=models, clock=CLOCK) as channel:
        stub = AssistantsServiceStub(channel)
        request = assistant_pb2.CreateAssistantRequest(model="m")
        assert (await stub.CreateAssistant(request, metadata=KEYED)).id == made.keyed
        listed = await stub.ListRuns(run_pb2.ListRunsRequest(thread_id=made.waiting))
        (waiting,) = listed.data
        call = waiting.required_action.submit_tool_outputs.tool_calls[0]
        output = run_pb2.ToolOutput(tool_call_id=call.id, output="it")
        submitted = run_pb2.SubmitToolOutputsRequest(
            thread_id=made.waiting, run_id=waiting.id, tool_outputs=[output], wait=True
        )
        ended = await stub.SubmitToolOutputs(submitted)
        assert ended.status == run_pb2.RUN_STATUS_COMPLETED
        assert (await _texts(stub, made.waiting))[-1] == "Seen."
        await stub.CreateMessage(
            message_pb2.CreateMessageRequest(
                thread_id=made.answered,
                role=message_pb2.MESSAGE_ROLE_USER,
                content={"text": "And?"},  # type: ignore[arg-type]  # protobuf takes a dict
            )
        )
        await run(stub, made.answered, made.assistant)
        assert await _texts(stub, made.answered) == ["Hi", "there", "Hello!", "And?", "Again."]


async def _texts(stub: AssistantsServiceAsyncStub, thread_id: str) -> list[str]:
    request = message_pb2.ListMessagesRequest(
        thread_id=thread_id, limit=100, order=pagination_pb2.SORT_ORDER_ASC
    )
    return [text_of(message) for message in (await stub.ListMessages(request)).data]


@asynccontextmanager
async def _file(path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(path, CLOCK)
    try:
        yield store
    finally:
        await store.close()
