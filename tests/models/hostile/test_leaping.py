"""Time leaps over silence, and over nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from tests.models.hostile.leaping import LeapingLoop

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_day_is_over_at_once() -> None:
    async def sleep() -> float:
        start = now()
        await asyncio.sleep(86_400)
        return now() - start

    assert run(sleep()) == 86_400


def test_no_timer_fires_while_bytes_are_on_their_way() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def exchange() -> float:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server, asyncio.timeout(0.001):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for _ in range(20):
                data = b"x" * 1_000_000
                writer.write(data)
                assert await reader.readexactly(len(data)) == data
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            return now()

    assert run(exchange()) == 0


def test_bytes_that_nobody_reads_do_not_hold_time() -> None:
    async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1_000)
        writer.transport.abort()

    async def write() -> None:
        server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x" * (32 << 20))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await writer.drain()
            assert now() == 60
            writer.transport.abort()
            await asyncio.sleep(2_000)

    run(write())


def test_what_a_thread_would_do_is_done_at_once() -> None:
    async def ask() -> float:
        async with asyncio.timeout(1):
            assert await asyncio.to_thread(sum, [1, 2]) == 3
            with pytest.raises(ValueError, match="invalid literal"):
                await asyncio.to_thread(int, "x")
        return now()

    assert run(ask()) == 0
