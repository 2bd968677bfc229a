"""The whole core inside a program, through the generated stubs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels, Wait, says
from tests.server.runs.world import names, new_message, said, text_of
from understudy.v1 import assistant_pb2, event_pb2, message_pb2, run_pb2, thread_pb2
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub

if TYPE_CHECKING:
    from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceAsyncStub
from understudy_server.local import local
from understudy_server.models.port import TextDelta


async def _prepare(stub: AssistantsServiceAsyncStub) -> run_pb2.CreateRunRequest:
    assistant = await stub.CreateAssistant(assistant_pb2.CreateAssistantRequest(model="m"))
    thread = await stub.CreateThread(thread_pb2.CreateThreadRequest(messages=[new_message("Hi")]))
    return run_pb2.CreateRunRequest(thread_id=thread.id, assistant_id=assistant.id)


async def _collect(batches: AsyncIterable[event_pb2.RunEventBatch]) -> list[event_pb2.RunEvent]:
    return [event async for batch in batches for event in batch.events]


async def test_a_stream() -> None:
    clock = FakeClock()

    async def use() -> None:
        async with local(
            models=ScriptedModels(says("Hel", "lo")), clock=clock, copy=True
        ) as channel:
            stub = AssistantsServiceStub(channel)
            request = await _prepare(stub)
            events = await _collect(stub.StreamCreateRun(request))
            assert names(events)[-1] == "run_completed"
            assert said(events) == "Hello"
            listed = await stub.ListMessages(
                message_pb2.ListMessagesRequest(thread_id=request.thread_id)
            )
            assert text_of(listed.data[0]) == "Hello"

    await clock.run_until(use())


async def test_a_blocking_call() -> None:
    clock = FakeClock()

    async def use() -> None:
        async with local(models=ScriptedModels(says("Hello")), clock=clock) as channel:
            stub = AssistantsServiceStub(channel)
            request = await _prepare(stub)
            request.wait = True
            run = await stub.CreateRun(request)
            assert run.status == run_pb2.RUN_STATUS_COMPLETED

    await clock.run_until(use())


async def test_a_run_goes_on_though_its_reader_has_left() -> None:
    clock, gate = FakeClock(), asyncio.Event()
    models = ScriptedModels([TextDelta(text="Hel"), Wait(gate), *says("lo")])

    async def use() -> None:
        async with local(models=models, clock=clock) as channel:
            stub = AssistantsServiceStub(channel)
            request = await _prepare(stub)
            call = stub.StreamCreateRun(request)
            seen: list[event_pb2.RunEvent] = []
            async for batch in call:
                seen.extend(batch.events)
                if said(seen):
                    break
            call.cancel()
            await clock.sleep(1)
            assert models.open == 1, "the model is still listened to"
            gate.set()
            resumed = run_pb2.StreamRunEventsRequest(
                thread_id=request.thread_id, run_id=seen[0].run_created.id, after=seen[-1].id
            )
            rest = await _collect(stub.StreamRunEvents(resumed))
            assert said([*seen, *rest]) == "Hello"
            assert names(rest)[-1] == "run_completed"

    await clock.run_until(use())


async def test_errors_are_statuses() -> None:
    async with local(models=ScriptedModels(says("x"))) as channel:
        stub = AssistantsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetThread(thread_pb2.GetThreadRequest(thread_id="thread_x"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
