"""Calls a second: in-process against a gRPC socket.

python -m tests.bench.bench_inprocess [seconds for each measurement]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import aio

from tests.server.inprocess.service import register, stub
from understudy_server.inprocess import InProcessChannel, InProcessServer

CONCURRENCY = 32
BATCH = 100
"""Messages of one stream."""
REQUEST = Text(value="x" * 200)


async def get(request: Text, context: Any) -> Text:
    return request


async def tell(request: Text, context: Any) -> Any:
    for _ in range(BATCH):
        yield request


async def main(seconds: float) -> None:
    _say(f"{'':<24}{'calls/s':>12}{'messages/s':>14}")
    rates = {}
    for name in ("unix socket", "in-process, copying", "in-process"):
        async with AsyncExitStack() as stack:
            channel = await _connect(name, stack)
            unary = partial(_one, stub(channel, "unary_unary_get"))
            stream = partial(_many, stub(channel, "unary_stream_tell"))
            rates[name] = (await _rate(unary, seconds), await _rate(stream, seconds))
        _say(f"{name:<24}{rates[name][0]:>12,.0f}{rates[name][1]:>14,.0f}")
    for index, what in enumerate(("calls", "messages")):
        ratio = rates["in-process"][index] / rates["unix socket"][index]
        _say(f"in-process / unix socket, {what}: {ratio:.1f}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


async def _one(method: Any) -> int:
    await method(REQUEST)
    return 1


async def _many(method: Any) -> int:
    return len([message async for message in method(REQUEST)])


async def _rate(work: Callable[[], Awaitable[int]], seconds: float) -> float:
    done, started = 0, time.perf_counter()
    end = started + seconds

    async def repeat() -> None:
        nonlocal done
        while time.perf_counter() < end:
            count = await work()
            done += count

    await asyncio.gather(*(repeat() for _ in range(CONCURRENCY)))
    return done / (time.perf_counter() - started)


async def _connect(name: str, stack: AsyncExitStack) -> aio.Channel:
    behaviours = {"unary_unary_get": get, "unary_stream_tell": tell}
    if name == "unix socket":
        address = f"unix:{Path(stack.enter_context(TemporaryDirectory())) / 'socket'}"
        server = aio.server()
        server.add_insecure_port(address)
        register(server, behaviours)
        await server.start()
        stack.push_async_callback(server.stop, None)
        return await stack.enter_async_context(aio.insecure_channel(address))
    local = InProcessServer()
    register(local, behaviours)
    await local.start()
    stack.push_async_callback(local.stop, None)
    channel = InProcessChannel(local, copy=name.endswith("copying"))
    return await stack.enter_async_context(channel)


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0))
