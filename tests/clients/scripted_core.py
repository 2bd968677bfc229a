"""A gRPC server whose event streams and refusals are known beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from understudy.v1.assistant_pb2 import Assistant, CreateAssistantRequest
from understudy.v1.assistants_service_pb2_grpc import (
    AssistantsServiceServicer,
    add_AssistantsServiceServicer_to_server,
)
from understudy.v1.event_pb2 import RunEvent, RunEventBatch
from understudy.v1.run_pb2 import (
    CreateRunRequest,
    GetRunRequest,
    RequiredToolCall,
    Run,
    RunStatus,
    StreamRunEventsRequest,
    SubmitToolOutputsRequest,
)
from understudy.v1.thread_pb2 import CreateThreadRequest, Thread


@dataclass(frozen=True)
class ComeAgain:
    """A refusal that says when there is room again."""

    code: grpc.StatusCode
    seconds: int


Refusal: TypeAlias = grpc.StatusCode | ComeAgain
Stream: TypeAlias = "Sequence[RunEvent | Sequence[RunEvent] | Refusal | None]"
"""Events, alone or as a batch. A refusal ends the stream with it; None waits until the reader has gone."""

RUN = Run(id="run_1", thread_id="thread_1")
DONE = Run(id="run_1", thread_id="thread_1", status=RunStatus.RUN_STATUS_COMPLETED)


def event(id: str, **payload: Any) -> RunEvent:
    return RunEvent(id=id, **(payload or {"run_in_progress": RUN}))


def calls(*pairs: tuple[str, str]) -> Run:
    """The run as it waits for functions, by name and arguments."""
    run = Run(id="run_1", thread_id="thread_1", status=RunStatus.RUN_STATUS_REQUIRES_ACTION)
    for number, (name, arguments) in enumerate(pairs):
        call = RequiredToolCall(id=f"call_{number}")
        call.function.name, call.function.arguments = name, arguments
        run.required_action.submit_tool_outputs.tool_calls.append(call)
    return run


@dataclass
class ScriptedCore:
    streams: list[Stream]
    """A stream that is not there has no events."""
    refusals: list[Refusal] = field(default_factory=list)
    """Of submissions, before one is taken."""
    runs: list[Run | Refusal] = field(default_factory=list)
    """What GetRun answers; after them, that the run is completed."""
    asked: list[StreamRunEventsRequest] = field(default_factory=list)
    submitted: list[SubmitToolOutputsRequest] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a reader has gone that a stream waited for."""

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[str]:
        """The address on which it listens."""
        server = grpc.aio.server()
        servicer: Any = _Servicer(self)
        add_AssistantsServiceServicer_to_server(servicer, server)
        address = f"unix:{folder}/core.sock"
        server.add_insecure_port(address)
        await server.start()
        try:
            yield address
        finally:
            await server.stop(None)


class _Servicer:
    """The methods that following a run needs; the others are the generated class's."""

    def __init__(self, core: ScriptedCore) -> None:
        self._core = core

    def __getattr__(self, name: str) -> Any:
        return getattr(AssistantsServiceServicer, name)

    async def CreateAssistant(self, request: CreateAssistantRequest, context: Any) -> Assistant:
        return Assistant(id="asst_1", model=request.model)

    async def CreateThread(self, request: CreateThreadRequest, context: Any) -> Thread:
        return Thread(id="thread_1")

    async def CreateRun(self, request: CreateRunRequest, context: Any) -> Run:
        return RUN

    async def GetRun(self, request: GetRunRequest, context: Any) -> Run:
        self._core.keys.add(dict(context.invocation_metadata()).get("authorization", ""))
        found = self._core.runs.pop(0) if self._core.runs else DONE
        if not isinstance(found, Run):
            await _refuse(context, found)
        return found

    async def StreamRunEvents(
        self, request: StreamRunEventsRequest, context: Any
    ) -> AsyncIterator[RunEventBatch]:
        self._core.asked.append(request)
        self._core.keys.add(dict(context.invocation_metadata()).get("authorization", ""))
        for item in self._core.streams.pop(0) if self._core.streams else ():
            if isinstance(item, RunEvent):
                yield RunEventBatch(events=[item])
            elif isinstance(item, Sequence):
                yield RunEventBatch(events=item)
            elif item is None:
                try:
                    await asyncio.Event().wait()
                finally:
                    self._core.left.set()
            else:
                await _refuse(context, item)

    async def SubmitToolOutputs(self, request: SubmitToolOutputsRequest, context: Any) -> Run:
        self._core.submitted.append(request)
        if self._core.refusals:
            await _refuse(context, self._core.refusals.pop(0))
        return RUN


async def _refuse(context: Any, refusal: Refusal) -> NoReturn:
    if isinstance(refusal, ComeAgain):
        status = Status(code=refusal.code.value[0], message="as scripted")
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=refusal.seconds)))
        await context.abort_with_status(rpc_status.to_status(status))
    else:
        await context.abort(refusal, "as scripted")
    raise AssertionError
