"""A reader that stops reading: its stream waits for it, and is then cut. (Senders: `test_streamed_requests`.)"""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from grpc import StatusCode, aio

from tests.clock import idle
from tests.server.rpc.guarded import World, shown
from understudy.v1.run_pb2 import StreamRunEventsRequest

KEY = (("authorization", "Bearer secret"),)


@pytest.mark.parametrize("kind", ["wire", "in process"])
async def test_a_stream_that_nobody_reads_is_cut(kind: str) -> None:
    world = World(patience=0.2)
    # Far more than what gRPC and the kernel hold for a connection.
    world.script.messages, world.script.padding = 100_000, "x" * 50_000
    async with AsyncExitStack() as stack:
        await world.start(kind, stack)
        call = world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=KEY)
        await call.read()
        await world.script.streamed.wait()
        read = 1
        with pytest.raises(aio.AioRpcError) as caught:
            while await call.read() is not aio.EOF:
                read += 1
        assert read < world.script.messages
        code, reason, _, message = shown(caught.value)
        assert (code, reason) == (StatusCode.UNAVAILABLE, "REASON_UNAVAILABLE")
        assert message is not None
        assert "can be resumed" in message
        assert (await world.line())["code"] == "UNAVAILABLE"


async def test_a_reader_that_leaves_while_it_is_cut_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(patience=0.2)
    world.script.messages, world.script.padding = 100_000, "x" * 50_000
    async with AsyncExitStack() as stack:
        await world.start("wire", stack)
        call = world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=KEY)
        await call.read()
        await world.script.streamed.wait()
        # What is told waits behind what was not read, so that it fails when the connection is done with.
        await idle()
        call.cancel()
        await world.log.call.wait()
    assert [record.message for record in caplog.records] == []
