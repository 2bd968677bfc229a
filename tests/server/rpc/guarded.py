"""A server behind the interceptor, over a real connection and in-process, with handlers that do what a test says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
from google.rpc.status_pb2 import Status
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as health
from structlog.testing import LogCapture

from tests.clock import FakeClock
from understudy.v1.assistant_pb2 import (
    Assistant,
    CreateAssistantRequest,
    GetAssistantRequest,
)
from understudy.v1.assistants_service_pb2 import DESCRIPTOR as ASSISTANTS
from understudy.v1.assistants_service_pb2_grpc import (
    AssistantsServiceServicer,
    AssistantsServiceStub,
    add_AssistantsServiceServicer_to_server,
)
from understudy.v1.auth_service_pb2 import DESCRIPTOR as AUTH
from understudy.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server
from understudy.v1.error_pb2 import ErrorDetail, Reason
from understudy.v1.event_pb2 import RunEvent, RunEventBatch
from understudy.v1.run_pb2 import StreamRunEventsRequest
from understudy_server.auth.authenticator import KeyAuthenticator
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.making import key_hash
from understudy_server.auth.scopes import Scopes
from understudy_server.auth.service import AuthService
from understudy_server.inprocess import InProcessChannel, InProcessServer
from understudy_server.limits.admission import Admission
from understudy_server.limits.runs import RunBudgets
from understudy_server.rpc.caller import Caller, caller
from understudy_server.rpc.interceptors import CallInterceptor
from understudy_server.rpc.limits import Limits
from understudy_server.rpc.stalling import READER_PATIENCE
from understudy_server.store.memory import MemoryStore

KEY = (("authorization", "Bearer secret"),)


class Script(AssistantsServiceServicer):
    """Does what the test says, and keeps what it saw."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.callers: list[Caller] = []
        self.messages = 2
        self.padding = ""
        self.streamed = asyncio.Event()
        """No more messages come from ``StreamRunEvents``."""
        self.hang = False
        self.hanging = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def GetAssistant(self, request: GetAssistantRequest, context: Any) -> Assistant:
        self.callers.append(caller())
        if self.failure is not None:
            raise self.failure
        if self.hang:
            await self._hang()
        return Assistant(id=request.assistant_id)

    async def CreateAssistant(self, request: CreateAssistantRequest, context: Any) -> Assistant:
        return Assistant(model=request.model)

    async def DeleteAssistant(self, request: Any, context: Any) -> Any:
        await context.abort(StatusCode.DATA_LOSS, "its own way")

    async def StreamRunEvents(self, request: StreamRunEventsRequest, context: Any) -> Any:
        self.callers.append(caller())
        try:
            for number in range(self.messages):
                event = RunEvent(id=f"1-{number}")
                if self.padding:
                    event.message_delta.id = self.padding
                yield RunEventBatch(events=[event])
        finally:
            self.streamed.set()
        if self.failure is not None:
            raise self.failure
        if self.hang:
            await self._hang()

    # grpc.aio also takes a coroutine that writes, whatever the stubs say.
    async def StreamCreateRun(self, request: Any, context: Any) -> None:  # type: ignore[override]  # as above
        await context.send_initial_metadata(())
        await context.write(RunEventBatch(events=[RunEvent(id="1-1")]))

    async def _hang(self) -> None:
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


class Lines(LogCapture):
    """Tells when a call has been logged; over a connection that is after its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.call = asyncio.Event()

    def __call__(self, logger: Any, method: str, event: Any) -> Any:
        try:
            return super().__call__(logger, method, event)
        finally:
            if event["event"] == "call":
                self.call.set()


class World:
    """A server behind the interceptor, its log and a channel to it."""

    def __init__(self, *, patience: float = READER_PATIENCE) -> None:
        self.clock = FakeClock()
        store = MemoryStore(self.clock)
        self.keys = ApiKeys(store=store, clock=self.clock)
        services = [s for file in (ASSISTANTS, AUTH) for s in file.services_by_name.values()]
        self.script = Script()  # type: ignore[abstract]  # what is missing is missing on purpose
        self.log = Lines()
        self.interceptor = CallInterceptor(
            authenticator=KeyAuthenticator(
                keys=self.keys, clock=self.clock, environment={key_hash("secret"): "acme"}
            ),
            gate=Admission(store, self.clock, RunBudgets(store, self.clock)),
            scopes=Scopes(services),
            limits=Limits(services),
            clock=self.clock,
            patience=patience,
            log=structlog.wrap_logger(
                None,
                processors=[self.log],
                wrapper_class=structlog.make_filtering_bound_logger("debug"),
            ),
        )
        self.channel: aio.Channel

    async def start(self, kind: str, stack: AsyncExitStack) -> None:
        server: aio.Server
        if kind == "wire":
            server = aio.server(interceptors=[self.interceptor])
            port = server.add_insecure_port("127.0.0.1:0")
            self.channel = aio.insecure_channel(f"127.0.0.1:{port}")
        else:
            server = local = InProcessServer(interceptors=[self.interceptor])
            self.channel = InProcessChannel(local, copy=True)
        add_AssistantsServiceServicer_to_server(self.script, server)
        add_AuthServiceServicer_to_server(AuthService(), server)
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
        await server.start()
        stack.push_async_callback(server.stop, None)
        stack.push_async_callback(self.channel.close)

    @property
    def stub(self) -> Any:
        return AssistantsServiceStub(self.channel)

    def lines(self) -> list[Any]:
        return [entry for entry in self.log.entries if entry["event"] == "call"]

    async def events(self) -> list[Any]:
        """What was logged, the end of the call included."""
        await self.log.call.wait()
        return [entry["event"] for entry in self.log.entries]

    async def line(self) -> Any:
        """The only call's."""
        await self.log.call.wait()
        (line,) = self.lines()
        return line


def shown(error: aio.AioRpcError) -> tuple[StatusCode, str, str, str | None]:
    """Code, reason, param and message."""
    rich = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    detail = ErrorDetail()
    assert rich.details[0].Unpack(detail)
    assert rich.message == error.details()
    return error.code(), Reason.Name(detail.reason), detail.param, error.details()


async def failure(call: Any) -> aio.AioRpcError:
    with pytest.raises(aio.AioRpcError) as caught:
        await (call.read() if isinstance(call, aio.UnaryStreamCall) else call)
    return caught.value
