"""Cores over one store, on a clock that the test moves, and what clients do with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Generic, TypeVar

from tests.clock import FakeClock
from understudy.v1 import (
    assistant_pb2,
    event_pb2,
    message_pb2,
    pagination_pb2,
    run_pb2,
    run_step_pb2,
    thread_pb2,
    tool_pb2,
)
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.clock import Clock
from understudy_server.limits.records import run_slots
from understudy_server.limits.runs import RunBudgets
from understudy_server.models.port import Models
from understudy_server.rpc.assistants import Assistants
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.messages import Messages
from understudy_server.rpc.runs import Begun, Runs
from understudy_server.rpc.steps import Steps
from understudy_server.rpc.stored_runs import StoredRuns
from understudy_server.rpc.threads import Threads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.history import History
from understudy_server.runs.live import Live
from understudy_server.runs.worker import Worker
from understudy_server.store import tables
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store
from understudy_server.store.v1.records_pb2 import Head
from understudy_server.tools.none import NoFunctions
from understudy_server.tools.port import Functions

PROJECT = "p"

M = TypeVar("M", bound=Models)
T = TypeVar("T")


class NumberedIds:
    """Implements ``Ids``: ``msg_1``, ``step_2``, ..."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"


REPEATED: ContextVar[bool] = ContextVar("repeated", default=False)
"""Whether the present call may have been made before, its answer being lost."""


def caller(key: str | None = None) -> Caller:
    return Caller(
        project=PROJECT,
        key_id="",
        request_id="",
        idempotency_key=key,
        repeated=REPEATED.get(),
    )


class Core:
    """One core: its rooms, as the composition root connects them."""

    def __init__(
        self,
        world: World[Any],
        *,
        store: Store | None = None,
        clock: Clock | None = None,
        models: Models | None = None,
        functions: Functions | None = None,
        slots: int = 100,
        grace: float = 0.0,
    ) -> None:
        """What is not given is the world's."""
        store = store or world.store
        models = models or world.models
        functions = functions or world.functions
        blobs = MemoryBlobs()
        self.budgets = RunBudgets(store, clock or world.clock)
        self.shared = Collaborators(
            blobs=blobs,
            store=store,
            clock=clock or world.clock,
            ids=world.ids,
            models=models,
            history=History(store, blobs, models, functions),
            functions=functions,
            slots=self.budgets,
            keep_model_requests=world.keep_model_requests,
        )
        self.live = Live()
        self.worker = Worker(
            self.shared,
            self.live,
            slots=slots,
            grace=grace,
            attendants={run_slots.kind: self.budgets.attend},
        )
        self.assistants = Assistants(self.shared)
        self.threads = Threads(self.shared)
        self.messages = Messages(self.shared)
        self.steps = Steps(self.shared)
        self.runs = Runs(self.shared, self.worker, self.live, drop_unavailable_tools=False)
        self.stored_runs = StoredRuns(self.shared)
        self.worker.start()

    async def kill(self) -> None:
        """As ``kill -9``: nothing more is written."""
        tasks = [*self.worker._scanning, *self.worker._tasks(), *self.runs._beginning]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in self.budgets._tasks:
            task.cancel()
        self.worker._draining = True


class World(Generic[M]):
    """A store, its clock, and as many cores as a test wants."""

    def __init__(
        self,
        models: M,
        store: Store | None = None,
        *,
        clock: FakeClock | None = None,
        functions: Functions | None = None,
    ) -> None:
        self.functions = functions or NoFunctions()
        self.clock = clock or FakeClock()
        self.memory = MemoryStore(self.clock)
        self.store: Store = store or self.memory
        self.models = models
        self.ids = NumberedIds()
        self.keep_model_requests = False
        """Whether cores that are made from now on keep what they send to models."""
        self.cores: list[Core] = []

    def core(self, **options: Any) -> Core:
        """As ``Core`` takes them."""
        core = Core(self, **options)
        self.cores.append(core)
        return core

    async def close(self) -> None:
        for core in self.cores:
            await self.clock.run_until(core.worker.stop())
            await self.clock.run_until(core.budgets.close())

    async def until(self, task: Awaitable[T]) -> T:
        """What a task that runs already comes to."""

        async def wait() -> T:
            return await task

        return await self.clock.run_until(wait())

    # What clients do. Each takes the core that answers.

    async def assistant(self, core: Core, key: str | None = None, **fields: object) -> str:
        request = assistant_pb2.CreateAssistantRequest(model="scripted", **fields)  # type: ignore[arg-type]
        return (await core.assistants.create(caller(key), request)).id

    async def thread(self, core: Core, *texts: str, key: str | None = None) -> str:
        request = thread_pb2.CreateThreadRequest(messages=[new_message(text) for text in texts])
        return (await core.threads.create(caller(key), request)).id

    async def say(self, core: Core, thread_id: str, text: str, key: str | None = None) -> str:
        request = message_pb2.CreateMessageRequest(
            thread_id=thread_id,
            role=message_pb2.MESSAGE_ROLE_USER,
            content={"text": text},  # type: ignore[arg-type]  # protobuf takes a dict
        )
        return (await core.messages.create(caller(key), request)).id

    async def run(
        self,
        core: Core,
        thread_id: str,
        assistant_id: str,
        key: str | None = None,
        **fields: object,
    ) -> Begun:
        request = run_pb2.CreateRunRequest(
            thread_id=thread_id,
            assistant_id=assistant_id,
            **fields,  # type: ignore[arg-type]  # fields of the request
        )
        return await core.runs.create(caller(key), request)

    async def submit(self, core: Core, begun: Begun, **outputs: str) -> Begun:
        request = run_pb2.SubmitToolOutputsRequest(
            thread_id=begun.spec.run.thread_id,
            run_id=begun.spec.run.id,
            tool_outputs=[
                run_pb2.ToolOutput(tool_call_id=id, output=output) for id, output in outputs.items()
            ],
        )
        return await core.runs.submit(caller(), request)

    async def cancel(self, core: Core, begun: Begun) -> run_pb2.Run:
        request = run_pb2.CancelRunRequest(
            thread_id=begun.spec.run.thread_id, run_id=begun.spec.run.id
        )
        return await core.stored_runs.cancel(caller(), request)

    async def delete_thread(self, core: Core, thread_id: str) -> None:
        await core.threads.delete(caller(), thread_pb2.DeleteThreadRequest(thread_id=thread_id))

    async def state(self, core: Core, begun: Begun) -> run_pb2.Run:
        request = run_pb2.GetRunRequest(
            thread_id=begun.spec.run.thread_id, run_id=begun.spec.run.id
        )
        return await core.stored_runs.get(caller(), request)

    async def resume(self, core: Core, begun: Begun, after: str = "") -> list[event_pb2.RunEvent]:
        """Everything after an event, to the end of the stream."""
        request = run_pb2.StreamRunEventsRequest(
            thread_id=begun.spec.run.thread_id, run_id=begun.spec.run.id, after=after
        )
        return await follow(core, await core.runs.resume(caller(), request))

    async def messages(self, core: Core, thread_id: str) -> Sequence[message_pb2.Message]:
        """The thread's messages, oldest first."""
        request = message_pb2.ListMessagesRequest(
            thread_id=thread_id, limit=100, order=pagination_pb2.SORT_ORDER_ASC
        )
        return (await core.messages.list(caller(), request)).data

    async def steps(self, core: Core, begun: Begun) -> Sequence[run_step_pb2.RunStep]:
        """The run's steps, oldest first."""
        request = run_step_pb2.ListRunStepsRequest(
            thread_id=begun.spec.run.thread_id,
            run_id=begun.spec.run.id,
            limit=100,
            order=pagination_pb2.SORT_ORDER_ASC,
        )
        return (await core.steps.list(caller(), request)).data

    async def head(self, thread_id: str) -> Head:
        partition = tables.thread_partition(PROJECT, thread_id)
        row = await tables.heads.get(self.memory, partition, tables.HEAD_ID)
        assert row is not None
        return row.body

    async def log(self, begun: Begun) -> list[event_pb2.RunEvent]:
        """What is stored of the run's events."""
        entries = await self.memory.read(begun.partition, begun.spec.run.id, begun.after, 10_000)
        return [
            e for entry in entries for e in event_pb2.RunEventBatch.FromString(entry.body).events
        ]

    async def left(self, thread_id: str) -> list[str]:
        """The kinds of all records of the thread's partition."""
        partition = tables.thread_partition(PROJECT, thread_id)
        return [record.kind for record in await self.memory.list(partition, None, limit=10_000)]


@asynccontextmanager
async def open_world(
    models: M,
    store: Store | None = None,
    *,
    clock: FakeClock | None = None,
    functions: Functions | None = None,
) -> AsyncIterator[World[M]]:
    world = World(models, store, clock=clock, functions=functions)
    try:
        yield world
    finally:
        await world.close()


def new_message(text: str) -> message_pb2.NewMessage:
    return message_pb2.NewMessage(
        role=message_pb2.MESSAGE_ROLE_USER,
        content={"text": text},  # type: ignore[arg-type]  # protobuf takes a dict
    )


def function(name: str) -> tool_pb2.Tool:
    return tool_pb2.Tool(function={"name": name})  # type: ignore[arg-type]  # protobuf takes a dict


async def follow(core: Core, begun: Begun) -> list[event_pb2.RunEvent]:
    """The events of a stream, to its end."""
    found: list[event_pb2.RunEvent] = []
    async with aclosing(core.runs.tail(begun).batches()) as batches:
        async for batch in batches:
            found.extend(batch.events)
    return found


def names(events: Sequence[event_pb2.RunEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def ids(events: Sequence[event_pb2.RunEvent]) -> list[str]:
    return [event.id for event in events]


def text_of(message: message_pb2.Message) -> str:
    return "".join(part.text.value for part in message.content)


def said(events: Sequence[event_pb2.RunEvent]) -> str:
    """What the deltas spell."""
    return "".join(
        part.text.value for event in events for part in event.message_delta.delta.content
    )
