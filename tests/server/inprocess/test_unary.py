"""Calls with one response."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import StatusCode, aio

from tests.server.inprocess.conftest import Connector
from tests.server.inprocess.service import stub


async def echo(request: Text, context: Any) -> Text:
    return Text(value=request.value + "!")


class Hang:
    """A handler that never answers, and tells what happens to it."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.done = asyncio.Event()

    def handler(self) -> Any:
        async def hang(request: Text, context: Any) -> Text:
            context.add_done_callback(lambda _: self.done.set())
            self.started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            raise AssertionError

        return hang


async def test_answers(connect: Connector) -> None:
    channel = await connect(unary_unary_echo=echo)
    call = stub(channel, "unary_unary_echo")(Text(value="hi"))
    assert isinstance(call, aio.UnaryUnaryCall)
    assert await call == Text(value="hi!")
    assert await call == Text(value="hi!")
    assert await call.code() is StatusCode.OK
    assert await call.details() == ""
    assert tuple(await call.initial_metadata()) == ()
    assert tuple(await call.trailing_metadata()) == ()
    assert call.done()
    assert not call.cancelled()
    assert not call.cancel()
    await call.wait_for_connection()


async def test_metadata_travels_both_ways(connect: Connector) -> None:
    seen: dict[str, Any] = {}

    async def handler(request: Text, context: Any) -> Text:
        seen.update({item.key: item.value for item in context.invocation_metadata()})
        await context.send_initial_metadata((("first", "1"),))
        context.set_trailing_metadata((("last", "2"), ("last-bin", b"\x00\xff")))
        seen["trailing"] = context.trailing_metadata()
        return request

    channel = await connect(unary_unary_md=handler)
    metadata = (("a", "1"), ("b-bin", b"\x01"), ("a", "2"))
    call = stub(channel, "unary_unary_md")(Text(), metadata=metadata)
    assert tuple(await call.initial_metadata()) == (("first", "1"),)
    await call
    assert tuple(await call.trailing_metadata()) == (("last", "2"), ("last-bin", b"\x00\xff"))
    assert (seen["a"], seen["b-bin"]) == ("2", b"\x01")
    assert seen["trailing"] == (("last", "2"), ("last-bin", b"\x00\xff"))


async def test_metadata_of_the_client_may_be_a_metadata_object(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        return Text(value=dict(context.invocation_metadata())["k"])

    channel = await connect(unary_unary_md=handler)
    assert (
        await stub(channel, "unary_unary_md")(Text(), metadata=aio.Metadata(("k", "v")))
    ).value == "v"


async def test_sending_initial_metadata_twice_is_an_error_of_the_handler(
    connect: Connector,
) -> None:
    async def handler(request: Text, context: Any) -> Text:
        await context.send_initial_metadata(())
        with pytest.raises(aio.UsageError):
            await context.send_initial_metadata(())
        return request

    channel = await connect(unary_unary_twice=handler)
    await stub(channel, "unary_unary_twice")(Text())


async def _failure(call: Any) -> aio.AioRpcError:
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    error = caught.value
    assert await call.code() is error.code()
    assert await call.details() == error.details()
    assert await call.trailing_metadata() == error.trailing_metadata()
    assert await call.initial_metadata() == error.initial_metadata()
    assert call.done()
    return error


async def test_abort(connect: Connector) -> None:
    # Over the wire the client may know of the end before the handler has come to it.
    after: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(request: Text, context: Any) -> Text:
        await context.send_initial_metadata((("i", "1"),))
        try:
            await context.abort(StatusCode.ABORTED, "no", (("t", "1"),))
            return request
        finally:
            ended = (context.code(), context.details(), context.done(), context.cancelled())
            after.set_result(ended)

    channel = await connect(unary_unary_abort=handler)
    error = await _failure(stub(channel, "unary_unary_abort")(Text()))
    assert (error.code(), error.details()) == (StatusCode.ABORTED, "no")
    assert tuple(error.initial_metadata()) == (("i", "1"),)
    assert tuple(error.trailing_metadata()) == (("t", "1"),)
    assert await after == (StatusCode.ABORTED, "no", True, False)


async def test_abort_keeps_what_was_set_before(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        context.set_details("set before")
        context.set_trailing_metadata((("t", "1"),))
        await context.abort(StatusCode.ABORTED)
        return request

    channel = await connect(unary_unary_abort=handler)
    error = await _failure(stub(channel, "unary_unary_abort")(Text()))
    assert error.details() == "set before"
    assert tuple(error.trailing_metadata()) == (("t", "1"),)


async def test_abort_with_status(connect: Connector) -> None:
    class Status(grpc.Status):
        code = StatusCode.NOT_FOUND
        details = "gone"
        trailing_metadata = (("t-bin", b"\x02"),)

    async def handler(request: Text, context: Any) -> Text:
        await context.abort_with_status(Status())
        return request

    channel = await connect(unary_unary_abort=handler)
    error = await _failure(stub(channel, "unary_unary_abort")(Text()))
    assert (error.code(), error.details()) == (StatusCode.NOT_FOUND, "gone")
    assert tuple(error.trailing_metadata()) == (("t-bin", b"\x02"),)


async def test_abort_that_the_handler_swallows_still_aborts(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        with pytest.raises(aio.AbortError):
            await context.abort(StatusCode.ABORTED, "no")
        with pytest.raises(aio.UsageError):
            await context.abort(StatusCode.INTERNAL, "again")
        return request

    channel = await connect(unary_unary_abort=handler)
    assert (await _failure(stub(channel, "unary_unary_abort")(Text()))).details() == "no"


async def test_a_code_that_is_set_wins_over_the_response(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        context.set_code(StatusCode.DATA_LOSS)
        context.set_details("lost")
        return request

    channel = await connect(unary_unary_set=handler)
    error = await _failure(stub(channel, "unary_unary_set")(Text()))
    assert (error.code(), error.details()) == (StatusCode.DATA_LOSS, "lost")


@pytest.mark.parametrize("code", [None, StatusCode.OUT_OF_RANGE])
async def test_an_exception_is_an_answer(connect: Connector, code: StatusCode | None) -> None:
    async def handler(request: Text, context: Any) -> Text:
        if code is not None:
            context.set_code(code)
        raise ValueError("oops")

    channel = await connect(unary_unary_raise=handler)
    error = await _failure(stub(channel, "unary_unary_raise")(Text()))
    assert error.code() is (code or StatusCode.UNKNOWN)
    assert error.details() == "Unexpected <class 'ValueError'>: oops"


async def test_an_unknown_method(connect: Connector) -> None:
    channel = await connect(unary_unary_echo=echo)
    error = await _failure(stub(channel, "unary_unary_other")(Text()))
    assert (error.code(), error.details()) == (StatusCode.UNIMPLEMENTED, "Method not found!")


async def test_the_deadline_ends_call_and_handler(connect: Connector) -> None:
    hang = Hang()
    channel = await connect(unary_unary_hang=hang.handler())
    call = stub(channel, "unary_unary_hang")(Text(), timeout=0.05)
    remaining = call.time_remaining()
    assert remaining is not None
    assert 0 <= remaining <= 0.05
    error = await _failure(call)
    assert (error.code(), error.details()) == (StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    assert not call.cancelled()
    # On a machine that stands still meanwhile, the deadline of a real connection comes before the handler.
    if connect.kind != "wire" or hang.started.is_set():
        await hang.cancelled.wait()
        await hang.done.wait()


async def test_the_handler_sees_the_deadline(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        remaining = context.time_remaining()
        # A real connection rounds a deadline up, by a second at most where it is so far away.
        return Text(value="none" if remaining is None else str(0 < remaining <= 61))

    channel = await connect(unary_unary_time=handler)
    assert (await stub(channel, "unary_unary_time")(Text(), timeout=60)).value == "True"
    untimed = stub(channel, "unary_unary_time")(Text())
    assert untimed.time_remaining() is None
    assert (await untimed).value == "none"


async def test_cancelling_the_call_cancels_the_handler(connect: Connector) -> None:
    hang = Hang()
    channel = await connect(unary_unary_hang=hang.handler())
    call = stub(channel, "unary_unary_hang")(Text())
    await hang.started.wait()
    assert not call.done()
    assert call.cancel()
    assert not call.cancel()
    assert call.cancelled()
    assert call.done()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await call.code() is StatusCode.CANCELLED
    assert await call.details() == "Locally cancelled by application!"
    await hang.cancelled.wait()
    await hang.done.wait()


async def test_cancelling_who_waits_cancels_the_call(connect: Connector) -> None:
    hang = Hang()
    channel = await connect(unary_unary_hang=hang.handler())
    call = stub(channel, "unary_unary_hang")(Text())

    async def wait() -> None:
        await call

    waiting = asyncio.create_task(wait())
    await hang.started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert call.cancelled()
    await hang.cancelled.wait()


async def test_a_call_cancelled_before_it_began(connect: Connector) -> None:
    channel = await connect(unary_unary_echo=echo)
    call = stub(channel, "unary_unary_echo")(Text())
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancelled_by_the_server_is_an_ordinary_error(connect: Connector) -> None:
    async def handler(request: Text, context: Any) -> Text:
        await context.abort(StatusCode.CANCELLED, "not today")
        return request

    channel = await connect(unary_unary_abort=handler)
    call = stub(channel, "unary_unary_abort")(Text())
    assert (await _failure(call)).details() == "not today"
    assert call.cancelled()


async def test_done_callbacks(connect: Connector) -> None:
    release = asyncio.Event()

    async def handler(request: Text, context: Any) -> Text:
        await release.wait()
        return request

    channel = await connect(unary_unary_wait=handler)
    call = stub(channel, "unary_unary_wait")(Text())
    called: list[Any] = []
    call.add_done_callback(called.append)
    assert called == []
    release.set()
    await call
    assert called == [call]
    call.add_done_callback(called.append)
    assert called == [call, call]


async def test_many_requests_one_response(connect: Connector) -> None:
    async def join(requests: Any, context: Any) -> Text:
        return Text(value="".join([request.value async for request in requests]))

    channel = await connect(stream_unary_join=join)
    method = stub(channel, "stream_unary_join")
    assert (await method(iter([Text(value="a"), Text(value="b")]))).value == "ab"

    async def generate() -> Any:
        for letter in "xyz" * 20:
            yield Text(value=letter)

    assert (await method(generate())).value == "xyz" * 20

    writing = method()
    for letter in "pq":
        await writing.write(Text(value=letter))
    await writing.done_writing()
    await writing.done_writing()
    assert (await writing).value == "pq"
    with pytest.raises(asyncio.InvalidStateError):
        await writing.write(Text())


async def test_requests_that_fail_cancel_the_call(connect: Connector) -> None:
    async def join(requests: Any, context: Any) -> Text:
        return Text(value="".join([request.value async for request in requests]))

    async def generate() -> Any:
        yield Text(value="a")
        raise ValueError

    channel = await connect(stream_unary_join=join)
    with pytest.raises(asyncio.CancelledError):
        await stub(channel, "stream_unary_join")(generate())


async def test_iterating_and_writing_do_not_mix(connect: Connector) -> None:
    async def join(requests: Any, context: Any) -> Text:
        return Text(value="".join([request.value async for request in requests]))

    channel = await connect(stream_unary_join=join)
    call = stub(channel, "stream_unary_join")(iter([Text(value="a")]))
    with pytest.raises(aio.UsageError):
        await call.write(Text())
    assert (await call).value == "a"
