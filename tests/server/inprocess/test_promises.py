"""What the in-process channel promises beyond a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import ChannelConnectivity, StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from tests.server.inprocess.service import register, stub
from understudy_server.inprocess import InProcessChannel, InProcessServer


@asynccontextmanager
async def inprocess(copy: bool = False, /, **behaviours: Any) -> AsyncIterator[aio.Channel]:
    server = InProcessServer()
    register(server, behaviours)
    await server.start()
    async with InProcessChannel(server, copy=copy) as channel:
        yield channel
    await server.stop(None)


@pytest.mark.parametrize("copy", [True, False])
async def test_messages_are_copied_only_when_asked(copy: bool) -> None:
    seen: list[Text] = []

    async def keep(request: Text, context: Any) -> Text:
        seen.append(request)
        return request

    async with inprocess(copy, unary_unary_keep=keep) as channel:
        sent = Text(value="a")
        got = await stub(channel, "unary_unary_keep")(sent)
    assert got == sent
    assert (seen[0] is sent, got is sent) == (not copy, not copy)


@pytest.mark.parametrize("name", ["unary_unary_sync", "unary_stream_sync"])
async def test_a_handler_that_is_not_async_is_refused(name: str) -> None:
    def blocking(request: Text, context: Any) -> Text:
        return request

    async with inprocess(**{name: blocking}) as channel:
        call = stub(channel, name)(Text())
        with pytest.raises(aio.AioRpcError, match="need async handlers"):
            await (call if name == "unary_unary_sync" else call.read())


async def test_a_handler_that_cancels_itself_leaves_nobody_waiting() -> None:
    async def give_up(request: Text, context: Any) -> Text:
        raise asyncio.CancelledError

    async with inprocess(unary_unary_give_up=give_up) as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await stub(channel, "unary_unary_give_up")(Text())
    assert caught.value.code() is StatusCode.CANCELLED


async def test_an_abandoned_stream_ends_its_handler() -> None:
    cancelled = asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        yield request
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def leave_in_the_middle(channel: aio.Channel) -> None:
        async for _ in stub(channel, "unary_stream_hang")(Text()):
            break

    async with inprocess(unary_stream_hang=handler) as channel:
        await leave_in_the_middle(channel)
        await cancelled.wait()


async def test_an_interceptor_that_breaks_leaves_nobody_waiting() -> None:
    class Broken(aio.ServerInterceptor):
        async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
            raise ValueError("broken")

    server = InProcessServer(interceptors=(Broken(),))
    await server.start()
    async with InProcessChannel(server) as channel:
        with pytest.raises(aio.AioRpcError, match="broken") as caught:
            await stub(channel, "unary_unary_any")(Text())
    assert caught.value.code() is StatusCode.UNKNOWN
    await server.stop(None)


async def test_a_server_that_was_not_started_is_unavailable() -> None:
    server = InProcessServer()
    channel = InProcessChannel(server)
    with pytest.raises(aio.AioRpcError) as caught:
        await stub(channel, "unary_unary_echo")(Text())
    assert caught.value.code() is StatusCode.UNAVAILABLE
    assert channel.get_state() is ChannelConnectivity.IDLE
    with pytest.raises(aio.UsageError):
        server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with pytest.raises(aio.UsageError):
        await server.start()


async def test_health_and_reflection_register_themselves() -> None:
    server = InProcessServer()
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    reflection.enable_server_reflection(["tests.Service"], server)
    await server.start()
    async with InProcessChannel(server) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watching = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        watching.cancel()
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        listed = [answer async for answer in stub.ServerReflectionInfo(iter([asked]))]
        assert listed[0].list_services_response.service[0].name == "tests.Service"
    await server.stop(None)
