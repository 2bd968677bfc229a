"""Calls whose responses stream."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import StatusCode, aio

from tests.server.inprocess.conftest import Connector
from tests.server.inprocess.service import stub


async def count(request: Text, context: Any) -> Any:
    for number in range(int(request.value)):
        yield Text(value=str(number))


async def count_by_writing(request: Text, context: Any) -> None:
    for number in range(int(request.value)):
        await context.write(Text(value=str(number)))


class Endless:
    """Streams until it is stopped, and tells what happens to it."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def handler(self) -> Any:
        async def endless(request: Text, context: Any) -> Any:
            try:
                while True:
                    yield request
            finally:
                self.closed.set()

        return endless


@pytest.mark.parametrize("handler", [count, count_by_writing])
async def test_iterating(connect: Connector, handler: Any) -> None:
    channel = await connect(unary_stream_count=handler)
    call = stub(channel, "unary_stream_count")(Text(value="100"))
    assert isinstance(call, aio.UnaryStreamCall)
    assert [int(message.value) async for message in call] == list(range(100))
    assert await call.code() is StatusCode.OK
    assert call.done()


@pytest.mark.parametrize("handler", [count, count_by_writing])
async def test_reading(connect: Connector, handler: Any) -> None:
    channel = await connect(unary_stream_count=handler)
    call = stub(channel, "unary_stream_count")(Text(value="2"))
    assert [(await call.read()).value, (await call.read()).value] == ["0", "1"]
    assert await call.read() is aio.EOF
    assert await call.read() is aio.EOF
    assert await call.code() is StatusCode.OK


async def test_no_messages(connect: Connector) -> None:
    channel = await connect(unary_stream_count=count)
    assert [m async for m in stub(channel, "unary_stream_count")(Text(value="0"))] == []


async def test_iterating_and_reading_do_not_mix(connect: Connector) -> None:
    channel = await connect(unary_stream_count=count)
    call = stub(channel, "unary_stream_count")(Text(value="3"))
    await call.read()
    with pytest.raises(aio.UsageError):
        aiter(call)
    call.cancel()


async def test_initial_metadata_arrives_when_it_is_sent(connect: Connector) -> None:
    release = asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        await context.send_initial_metadata((("accepted", "yes"),))
        await release.wait()
        yield request

    channel = await connect(unary_stream_wait=handler)
    call = stub(channel, "unary_stream_wait")(Text(value="a"))
    assert tuple(await call.initial_metadata()) == (("accepted", "yes"),)
    await call.wait_for_connection()
    assert not call.done()
    release.set()
    assert [message.value async for message in call] == ["a"]


async def test_initial_metadata_arrives_with_the_first_message(connect: Connector) -> None:
    release = asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        yield request
        await release.wait()

    channel = await connect(unary_stream_wait=handler)
    call = stub(channel, "unary_stream_wait")(Text(value="a"))
    assert tuple(await call.initial_metadata()) == ()
    assert not call.done()
    release.set()
    assert [message.value async for message in call] == ["a"]


@pytest.mark.parametrize("before", [0, 3])
async def test_abort_comes_after_the_messages(connect: Connector, before: int) -> None:
    async def handler(request: Text, context: Any) -> Any:
        for _ in range(before):
            yield request
        await context.abort(StatusCode.ABORTED, "no", (("t", "1"),))

    channel = await connect(unary_stream_abort=handler)
    call = stub(channel, "unary_stream_abort")(Text(value="a"))
    seen = []
    with pytest.raises(aio.AioRpcError) as caught:
        while True:
            seen.append((await anext(aiter(call))).value)
    assert seen == ["a"] * before
    assert (caught.value.code(), caught.value.details()) == (StatusCode.ABORTED, "no")
    assert tuple(caught.value.trailing_metadata()) == (("t", "1"),)


async def test_an_error_while_reading(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Any:
        yield request
        raise ValueError("oops")

    channel = await connect(unary_stream_raise=handler)
    call = stub(channel, "unary_stream_raise")(Text())
    await call.read()
    for _ in range(2):
        with pytest.raises(aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is StatusCode.UNKNOWN
        assert caught.value.details() == "Unexpected <class 'ValueError'>: oops"


async def test_waiting_for_the_connection_of_a_refused_call(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Any:
        await context.abort(StatusCode.ABORTED, "no")
        yield request

    channel = await connect(unary_stream_abort=handler)
    call = stub(channel, "unary_stream_abort")(Text())
    await call.code()
    with pytest.raises(aio.AioRpcError):
        await call.wait_for_connection()


async def test_the_outcome_stands_behind_the_messages(connect: Connector) -> None:
    finished = asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        context.add_done_callback(lambda _: finished.set())
        for _ in range(3):
            yield request

    channel = await connect(unary_stream_three=handler)
    call = stub(channel, "unary_stream_three")(Text())
    await finished.wait()
    assert not call.done()
    assert len([message async for message in call]) == 3
    assert call.done()


async def test_a_handler_waits_for_a_reader_that_does_not_read(connect: Connector) -> None:
    written = 0

    async def generous(request: Text, context: Any) -> Any:
        nonlocal written
        for _ in range(100):
            yield Text(value="x" * 100_000)
            written += 1

    async def echo(request: Text, context: Any) -> Text:
        return request

    channel = await connect(unary_stream_generous=generous, unary_unary_echo=echo)
    call = stub(channel, "unary_stream_generous")(Text())
    await call.read()
    for _ in range(10):
        await stub(channel, "unary_unary_echo")(Text())
    assert written < 100
    while await call.read() is not aio.EOF:
        pass
    assert written == 100


async def test_cancelling_ends_the_handler(connect: Connector) -> None:
    endless = Endless()
    channel = await connect(unary_stream_endless=endless.handler())
    call = stub(channel, "unary_stream_endless")(Text())
    await call.read()
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.read()
    assert await call.code() is StatusCode.CANCELLED
    # grpc.aio leaves a generator that it does not need to the collector, once it has heard of the cancel.
    while connect.kind == "wire" and not endless.closed.is_set():
        gc.collect()
        await asyncio.sleep(0.01)
    await endless.closed.wait()


async def test_cancelling_who_reads_cancels_the_call(connect: Connector) -> None:
    waiting, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        yield request
        try:
            waiting.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    channel = await connect(unary_stream_hang=handler)
    call = stub(channel, "unary_stream_hang")(Text())

    # Waits for the second message then: grpc.aio does not cancel a call whose reader is not yet waiting.
    received = asyncio.Event()

    async def read() -> None:
        async for _ in call:
            received.set()

    reading = asyncio.create_task(read())
    await received.wait()
    # The message may be here before grpc.aio has gone on with the handler, which it would then drop unheard.
    await waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await cancelled.wait()
    assert await call.code() is StatusCode.CANCELLED
    assert call.cancelled()


async def test_the_deadline_ends_the_stream(connect: Connector) -> None:
    waiting, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Text, context: Any) -> Any:
        yield request
        try:
            waiting.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    channel = await connect(unary_stream_hang=handler)
    call = stub(channel, "unary_stream_hang")(Text(), timeout=0.1)
    with pytest.raises(aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert caught.value.code() is StatusCode.DEADLINE_EXCEEDED
    # On a machine that stands still meanwhile, the deadline of a real connection comes before the handler.
    if connect.kind != "wire" or waiting.is_set():
        await cancelled.wait()


async def test_streams_both_ways(connect: Connector) -> None:
    async def shout(requests: Any, context: Any) -> Any:
        async for request in requests:
            yield Text(value=request.value.upper())

    channel = await connect(stream_stream_shout=shout)
    method = stub(channel, "stream_stream_shout")
    answers = [m.value async for m in method(iter([Text(value="a"), Text(value="b")]))]
    assert answers == ["A", "B"]

    call = method()
    for letter in "xy":
        await call.write(Text(value=letter))
        assert (await call.read()).value == letter.upper()
    await call.done_writing()
    assert await call.read() is aio.EOF


async def test_reading_and_writing_handler(connect: Connector) -> None:
    async def shout(requests: Any, context: Any) -> None:
        while (request := await context.read()) is not aio.EOF:
            await context.write(Text(value=request.value.upper()))

    channel = await connect(stream_stream_shout=shout)
    method = stub(channel, "stream_stream_shout")
    assert [m.value async for m in method(iter([Text(value="a")]))] == ["A"]
