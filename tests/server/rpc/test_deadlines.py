"""A call that its caller has given up, or whose deadline has passed, does no more work; a run that it began goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
import structlog
from grpc import StatusCode, aio

from tests.server.rpc.guarded import KEY, Lines
from tests.server.rpc.guarded import World as Guarded
from tests.server.rpc.test_streamed_requests import GOOD, data, metadata_of
from tests.server.rpc.test_streamed_requests import World as Uploading
from tests.server.runs.scripted import ScriptedModels, Wait, says
from tests.server.runs.world import PROJECT, Core, caller, open_world
from tests.server.runs.world import World as Running
from understudy.v1.assistant_pb2 import GetAssistantRequest
from understudy.v1.assistants_service_pb2 import DESCRIPTOR
from understudy.v1.assistants_service_pb2_grpc import (
    AssistantsServiceStub,
    add_AssistantsServiceServicer_to_server,
)
from understudy.v1.files_service_pb2_grpc import FilesServiceStub
from understudy.v1.run_pb2 import CreateRunRequest, ListRunsRequest, StreamRunEventsRequest
from understudy_server.auth.authenticator import KeyAuthenticator
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.making import key_hash
from understudy_server.auth.scopes import Scopes
from understudy_server.inprocess import InProcessChannel, InProcessServer
from understudy_server.limits.admission import Admission
from understudy_server.models.port import ModelRequest
from understudy_server.rpc.interceptors import CallInterceptor
from understudy_server.rpc.limits import Limits
from understudy_server.rpc.servicer import AssistantsServicer
from understudy_server.runs import machine

Begin: TypeAlias = Callable[[float | None], Any]
"""A call, with a deadline in so many seconds."""

KINDS = pytest.mark.parametrize("kind", ["wire", "inprocess"])
ENDS = pytest.mark.parametrize("end", ["cancel", "deadline"])


async def give_up(end: str, begin: Begin, started: asyncio.Event) -> None:
    """Returns when the caller has left a call whose handler has started."""
    if end == "cancel":
        call = begin(None)
        await started.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outcome(call)
        return
    # A busy machine may not have come to the handler when a short deadline ends.
    for seconds in (0.3, 3, 30):
        with pytest.raises(aio.AioRpcError) as caught:
            await outcome(begin(seconds))
        assert caught.value.code() is StatusCode.DEADLINE_EXCEEDED
        if started.is_set():
            return
    raise AssertionError("the handler never started")


async def outcome(call: Any) -> None:
    if isinstance(call, aio.UnaryStreamCall):
        while await call.read() is not aio.EOF:
            pass
    else:
        await call


@KINDS
@ENDS
@pytest.mark.parametrize("method", ["GetAssistant", "StreamRunEvents"])
async def test_a_call_that_nobody_waits_for_stops(kind: str, end: str, method: str) -> None:
    requests = {"GetAssistant": GetAssistantRequest, "StreamRunEvents": StreamRunEventsRequest}
    async with AsyncExitStack() as stack:
        world = Guarded()
        world.script.hang, world.script.messages = True, 0
        await world.start(kind, stack)

        def begin(seconds: float | None) -> Any:
            return getattr(world.stub, method)(requests[method](), metadata=KEY, timeout=seconds)

        await give_up(end, begin, world.script.hanging)
        await world.script.cancelled.wait()
        assert {line["code"] for line in world.lines()} <= {"CANCELLED"}


@KINDS
@ENDS
async def test_an_upload_that_nobody_waits_for_stops(kind: str, end: str) -> None:
    async with AsyncExitStack() as stack:
        world = Uploading()
        await world.start(kind, stack)
        over = asyncio.Event()

        async def parts() -> AsyncIterator[Any]:
            yield metadata_of(GOOD)
            yield data(b"a")
            await over.wait()

        def begin(seconds: float | None) -> Any:
            stub = FilesServiceStub(world.channel)
            return stub.CreateFile(parts(), metadata=KEY, timeout=seconds)

        await give_up(end, begin, world.script.reading)
        await world.script.cancelled.wait()
        over.set()
        assert not world.script.ended


class Serving:
    """A core of the engine behind the interceptor."""

    def __init__(self, world: Running[Any], core: Core) -> None:
        self.log = Lines()
        services = list(DESCRIPTOR.services_by_name.values())
        self._interceptor = CallInterceptor(
            authenticator=KeyAuthenticator(
                keys=ApiKeys(store=world.memory, clock=world.clock),
                clock=world.clock,
                environment={key_hash("secret"): PROJECT},
            ),
            gate=Admission(world.memory, world.clock, core.budgets),
            scopes=Scopes(services),
            limits=Limits(services),
            clock=world.clock,
            log=structlog.wrap_logger(
                None,
                processors=[self.log],
                wrapper_class=structlog.make_filtering_bound_logger("debug"),
            ),
        )
        self._servicer = AssistantsServicer(
            assistants=core.assistants,
            threads=core.threads,
            messages=core.messages,
            runs=core.runs,
            stored_runs=core.stored_runs,
            steps=core.steps,
        )

    async def start(self, kind: str, stack: AsyncExitStack) -> Any:
        """A stub."""
        server: aio.Server
        channel: aio.Channel
        if kind == "wire":
            server = aio.server(interceptors=[self._interceptor])
            port = server.add_insecure_port("127.0.0.1:0")
            channel = aio.insecure_channel(f"127.0.0.1:{port}")
        else:
            server = local = InProcessServer(interceptors=[self._interceptor])
            channel = InProcessChannel(local, copy=True)
        add_AssistantsServiceServicer_to_server(self._servicer, server)
        await server.start()
        stack.push_async_callback(server.stop, None)
        stack.push_async_callback(channel.close)
        return AssistantsServiceStub(channel)


@KINDS
@ENDS
@pytest.mark.parametrize("method", ["CreateRun", "StreamCreateRun"])
async def test_a_run_goes_on_without_the_call_that_began_it(
    kind: str, end: str, method: str
) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    def script(_request: ModelRequest) -> list[Any]:
        asked.set()
        return [Wait(gate), *says("x")]

    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(ScriptedModels(script)))
        core = world.core()
        serving = Serving(world, core)
        stub = await serving.start(kind, stack)
        thread, assistant = await world.thread(core, "Hi"), await world.assistant(core)
        request = CreateRunRequest(thread_id=thread, assistant_id=assistant)
        if method == "CreateRun":
            request.wait = True

        def begin(seconds: float | None) -> Any:
            metadata = (*KEY, ("idempotency-key", "once"))
            return getattr(stub, method)(request, timeout=seconds, metadata=metadata)

        await give_up(end, begin, asked)
        await serving.log.call.wait()
        codes = {entry["code"] for entry in serving.log.entries if entry["event"] == "call"}
        assert codes == {"CANCELLED"}
        assert await statuses(core, thread) == [machine.IN_PROGRESS]
        gate.set()
        await world.clock.advance(5)
        assert await statuses(core, thread) == [machine.COMPLETED]


async def statuses(core: Core, thread: str) -> list[Any]:
    listed = await core.stored_runs.list(caller(), ListRunsRequest(thread_id=thread))
    return [run.status for run in listed.data]
