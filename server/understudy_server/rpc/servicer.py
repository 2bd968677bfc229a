"""The services, RPC by RPC: each one only says which room answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio

from understudy.v1 import (
    assistant_pb2,
    assistants_service_pb2_grpc,
    event_pb2,
    message_pb2,
    model_pb2,
    models_service_pb2_grpc,
    run_pb2,
    run_step_pb2,
    thread_pb2,
)
from understudy_server.rpc.assistants import Assistants
from understudy_server.rpc.caller import caller
from understudy_server.rpc.messages import Messages
from understudy_server.rpc.models import Models
from understudy_server.rpc.runs import Begun, Runs
from understudy_server.rpc.steps import Steps
from understudy_server.rpc.stored_runs import StoredRuns
from understudy_server.rpc.threads import Threads

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class AssistantsServicer(assistants_service_pb2_grpc.AssistantsServiceServicer):
    def __init__(
        self,
        *,
        assistants: Assistants,
        threads: Threads,
        messages: Messages,
        runs: Runs,
        stored_runs: StoredRuns,
        steps: Steps,
    ) -> None:
        self._assistants = assistants
        self._threads = threads
        self._messages = messages
        self._runs = runs
        self._stored_runs = stored_runs
        self._steps = steps

    async def CreateAssistant(
        self, request: assistant_pb2.CreateAssistantRequest, context: Context
    ) -> assistant_pb2.Assistant:
        return await self._assistants.create(caller(), request)

    async def ListAssistants(
        self, request: assistant_pb2.ListAssistantsRequest, context: Context
    ) -> assistant_pb2.ListAssistantsResponse:
        return await self._assistants.list(caller(), request)

    async def GetAssistant(
        self, request: assistant_pb2.GetAssistantRequest, context: Context
    ) -> assistant_pb2.Assistant:
        return await self._assistants.get(caller(), request)

    async def ModifyAssistant(
        self, request: assistant_pb2.ModifyAssistantRequest, context: Context
    ) -> assistant_pb2.Assistant:
        return await self._assistants.modify(caller(), request)

    async def DeleteAssistant(
        self, request: assistant_pb2.DeleteAssistantRequest, context: Context
    ) -> assistant_pb2.DeleteAssistantResponse:
        return await self._assistants.delete(caller(), request)

    async def CreateThread(
        self, request: thread_pb2.CreateThreadRequest, context: Context
    ) -> thread_pb2.Thread:
        return await self._threads.create(caller(), request)

    async def ListThreads(
        self, request: thread_pb2.ListThreadsRequest, context: Context
    ) -> thread_pb2.ListThreadsResponse:
        return await self._threads.list(caller(), request)

    async def GetThread(
        self, request: thread_pb2.GetThreadRequest, context: Context
    ) -> thread_pb2.Thread:
        return await self._threads.get(caller(), request)

    async def ModifyThread(
        self, request: thread_pb2.ModifyThreadRequest, context: Context
    ) -> thread_pb2.Thread:
        return await self._threads.modify(caller(), request)

    async def DeleteThread(
        self, request: thread_pb2.DeleteThreadRequest, context: Context
    ) -> thread_pb2.DeleteThreadResponse:
        return await self._threads.delete(caller(), request)

    async def CreateMessage(
        self, request: message_pb2.CreateMessageRequest, context: Context
    ) -> message_pb2.Message:
        return await self._messages.create(caller(), request)

    async def ListMessages(
        self, request: message_pb2.ListMessagesRequest, context: Context
    ) -> message_pb2.ListMessagesResponse:
        return await self._messages.list(caller(), request)

    async def GetMessage(
        self, request: message_pb2.GetMessageRequest, context: Context
    ) -> message_pb2.Message:
        return await self._messages.get(caller(), request)

    async def ModifyMessage(
        self, request: message_pb2.ModifyMessageRequest, context: Context
    ) -> message_pb2.Message:
        return await self._messages.modify(caller(), request)

    async def DeleteMessage(
        self, request: message_pb2.DeleteMessageRequest, context: Context
    ) -> message_pb2.DeleteMessageResponse:
        return await self._messages.delete(caller(), request)

    async def ListRuns(
        self, request: run_pb2.ListRunsRequest, context: Context
    ) -> run_pb2.ListRunsResponse:
        return await self._stored_runs.list(caller(), request)

    async def ListProjectRuns(
        self, request: run_pb2.ListProjectRunsRequest, context: Context
    ) -> run_pb2.ListProjectRunsResponse:
        return await self._stored_runs.list_project(caller(), request)

    async def GetRun(self, request: run_pb2.GetRunRequest, context: Context) -> run_pb2.Run:
        return await self._stored_runs.get(caller(), request)

    async def ModifyRun(self, request: run_pb2.ModifyRunRequest, context: Context) -> run_pb2.Run:
        return await self._stored_runs.modify(caller(), request)

    async def CancelRun(self, request: run_pb2.CancelRunRequest, context: Context) -> run_pb2.Run:
        return await self._stored_runs.cancel(caller(), request)

    async def ListRunSteps(
        self, request: run_step_pb2.ListRunStepsRequest, context: Context
    ) -> run_step_pb2.ListRunStepsResponse:
        return await self._steps.list(caller(), request)

    async def GetRunStep(
        self, request: run_step_pb2.GetRunStepRequest, context: Context
    ) -> run_step_pb2.RunStep:
        return await self._steps.get(caller(), request)

    async def GetRunStepModelCall(
        self, request: run_step_pb2.GetRunStepModelCallRequest, context: Context
    ) -> run_step_pb2.RunStepModelCall:
        return await self._steps.model_call(caller(), request)

    async def CreateRun(self, request: run_pb2.CreateRunRequest, context: Context) -> run_pb2.Run:
        return await self._runs.answer(await self._runs.create(caller(), request), request)

    async def CreateThreadAndRun(
        self, request: run_pb2.CreateThreadAndRunRequest, context: Context
    ) -> run_pb2.Run:
        return await self._runs.answer(
            await self._runs.create_thread_and_run(caller(), request), request
        )

    async def SubmitToolOutputs(
        self, request: run_pb2.SubmitToolOutputsRequest, context: Context
    ) -> run_pb2.Run:
        return await self._runs.answer(await self._runs.submit(caller(), request), request)

    async def StreamCreateRun(
        self, request: run_pb2.CreateRunRequest, context: Context
    ) -> AsyncIterator[event_pb2.RunEventBatch]:
        async for batch in self._stream(await self._runs.create(caller(), request), context):
            yield batch

    async def StreamCreateThreadAndRun(
        self, request: run_pb2.CreateThreadAndRunRequest, context: Context
    ) -> AsyncIterator[event_pb2.RunEventBatch]:
        async for batch in self._stream(
            await self._runs.create_thread_and_run(caller(), request), context
        ):
            yield batch

    async def StreamSubmitToolOutputs(
        self, request: run_pb2.SubmitToolOutputsRequest, context: Context
    ) -> AsyncIterator[event_pb2.RunEventBatch]:
        async for batch in self._stream(await self._runs.submit(caller(), request), context):
            yield batch

    async def StreamRunEvents(
        self, request: run_pb2.StreamRunEventsRequest, context: Context
    ) -> AsyncIterator[event_pb2.RunEventBatch]:
        async for batch in self._stream(await self._runs.resume(caller(), request), context):
            yield batch

    async def _stream(
        self, begun: Begun, context: Context
    ) -> AsyncIterator[event_pb2.RunEventBatch]:
        # Accepted: from here on a client may begin its answer.
        await context.send_initial_metadata(())
        async with aclosing(self._runs.tail(begun).batches()) as batches:
            async for batch in batches:
                yield batch


class ModelsServicer(models_service_pb2_grpc.ModelsServiceServicer):
    def __init__(self, models: Models) -> None:
        self._models = models

    async def ListModels(
        self, request: model_pb2.ListModelsRequest, context: Context
    ) -> model_pb2.ListModelsResponse:
        return await self._models.list(caller().limits.models)

    async def GetModel(
        self, request: model_pb2.GetModelRequest, context: Context
    ) -> model_pb2.Model:
        return await self._models.get(request, caller().limits.models)

    async def DeleteModel(
        self, request: model_pb2.DeleteModelRequest, context: Context
    ) -> model_pb2.DeleteModelResponse:
        return await self._models.delete(request)
