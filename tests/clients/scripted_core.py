"""A gRPC server whose event streams and refusals are known beforehand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio

from understudy.v1.assistants_service_pb2_grpc import (
    AssistantsServiceServicer,
    add_AssistantsServiceServicer_to_server,
)
from understudy.v1.event_pb2 import RunEvent, RunEventBatch
from understudy.v1.run_pb2 import Run, StreamRunEventsRequest, SubmitToolOutputsRequest

Stream: TypeAlias = "Sequence[RunEvent | grpc.StatusCode]"
"""Events in batches of one; a code ends the stream with it."""


@dataclass
class ScriptedCore:
    streams: list[Stream]
    refusals: list[grpc.StatusCode] = field(default_factory=list)
    """Of submissions, before one is taken."""
    asked: list[StreamRunEventsRequest] = field(default_factory=list)
    submitted: list[SubmitToolOutputsRequest] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

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
    """The two methods that following a run needs; the others are the generated class's."""

    def __init__(self, core: ScriptedCore) -> None:
        self._core = core

    def __getattr__(self, name: str) -> Any:
        return getattr(AssistantsServiceServicer, name)

    async def StreamRunEvents(
        self, request: StreamRunEventsRequest, context: Any
    ) -> AsyncIterator[RunEventBatch]:
        self._core.asked.append(request)
        self._core.keys.add(dict(context.invocation_metadata()).get("authorization", ""))
        for item in self._core.streams.pop(0):
            if isinstance(item, RunEvent):
                yield RunEventBatch(events=[item])
            else:
                await context.abort(item, "as scripted")

    async def SubmitToolOutputs(self, request: SubmitToolOutputsRequest, context: Any) -> Run:
        self._core.submitted.append(request)
        if self._core.refusals:
            await context.abort(self._core.refusals.pop(0), "as scripted")
        return Run(id=request.run_id, thread_id=request.thread_id)
