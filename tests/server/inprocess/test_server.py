"""Servers, channels and interceptors."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import ChannelConnectivity, StatusCode, aio

from tests.server.inprocess.conftest import Connector
from tests.server.inprocess.service import stub

_WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def echo(request: Text, context: Any) -> Text:
    return request


class Tag(aio.ServerInterceptor):
    """Appends its name to a context variable; stops what it is told to stop."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        metadata = dict(handler_call_details.invocation_metadata)
        if metadata.get("stop") == self._name:
            return None
        _WHO.set(f"{_WHO.get()}/{handler_call_details.method[-4:]}-{self._name}")
        return await continuation(handler_call_details)


async def test_interceptors_run_in_order_in_the_context_of_the_handler(connect: Connector) -> None:
    async def who(request: Text, context: Any) -> Text:
        return Text(value=_WHO.get())

    channel = await connect(interceptors=(Tag("a"), Tag("b")), unary_unary_who=who)
    assert (await stub(channel, "unary_unary_who")(Text())).value == "nobody/_who-a/_who-b"
    assert _WHO.get() == "nobody"


async def test_an_interceptor_can_refuse(connect: Connector) -> None:
    channel = await connect(interceptors=(Tag("a"), Tag("b")), unary_unary_echo=echo)
    with pytest.raises(aio.AioRpcError) as caught:
        await stub(channel, "unary_unary_echo")(Text(), metadata=(("stop", "b"),))
    assert caught.value.code() is StatusCode.UNIMPLEMENTED


async def test_many_calls_at_once(connect: Connector) -> None:
    channel = await connect(unary_unary_echo=echo)
    method = stub(channel, "unary_unary_echo")
    answers = await asyncio.gather(*(method(Text(value=str(n))) for n in range(100)))
    assert [int(answer.value) for answer in answers] == list(range(100))


async def test_a_stopped_server_ends_its_calls(connect: Connector) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(request: Text, context: Any) -> Text:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return request

    channel = await connect(unary_unary_hang=hang)
    call = stub(channel, "unary_unary_hang")(Text())
    await started.wait()
    assert connect.server is not None
    await connect.server.stop(None)
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is StatusCode.UNAVAILABLE
    assert caught.value.details() == "Cancelling all calls"
    await cancelled.wait()
    assert not await connect.server.wait_for_termination(5)
    with pytest.raises(aio.AioRpcError) as caught:
        await stub(channel, "unary_unary_hang")(Text())
    assert caught.value.code() is StatusCode.UNAVAILABLE


async def test_a_graceful_stop_lets_calls_end(connect: Connector) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(request: Text, context: Any) -> Text:
        started.set()
        await release.wait()
        return request

    channel = await connect(unary_unary_wait=wait)
    call = stub(channel, "unary_unary_wait")(Text(value="a"))
    await started.wait()
    assert connect.server is not None
    stopping = asyncio.create_task(connect.server.stop(60))
    release.set()
    assert (await call).value == "a"
    await stopping


async def test_closing_the_channel_cancels_its_calls(connect: Connector) -> None:
    started = asyncio.Event()

    async def hang(request: Text, context: Any) -> Text:
        started.set()
        await asyncio.Event().wait()
        return request

    channel = await connect(unary_unary_hang=hang)
    call = stub(channel, "unary_unary_hang")(Text())
    await started.wait()
    await channel.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert channel.get_state() is ChannelConnectivity.SHUTDOWN
    with pytest.raises(aio.UsageError):
        await stub(channel, "unary_unary_hang")(Text())
    await channel.close()


async def test_a_graceful_close_lets_calls_end(connect: Connector) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(request: Text, context: Any) -> Text:
        started.set()
        await release.wait()
        return request

    channel = await connect(unary_unary_wait=wait)
    call = stub(channel, "unary_unary_wait")(Text(value="a"))
    await started.wait()
    closing = asyncio.create_task(channel.close(60))
    release.set()
    assert (await call).value == "a"
    await closing


async def test_the_channel_becomes_ready(connect: Connector) -> None:
    async with await connect(unary_unary_echo=echo) as channel:
        channel.get_state(try_to_connect=True)
        await channel.channel_ready()
        assert channel.get_state() is ChannelConnectivity.READY
        changed = asyncio.create_task(channel.wait_for_state_change(ChannelConnectivity.READY))
        assert connect.server is not None
        await connect.server.stop(None)
        await changed
