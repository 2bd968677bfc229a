"""A port that stays, whatever method a caller names."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import listen

HEADERS, SETTINGS, END = 1, 4, 5
"""Types of frames; END: a HEADERS frame's flags for a request without a body."""
REQUEST = health_pb2.HealthCheckRequest()


def literal(text: bytes) -> bytes:
    """HPACK, without Huffman."""
    assert len(text) < 127
    return bytes([len(text)]) + text


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def call_of(path: bytes) -> bytes:
    """A whole call on a connection of its own."""
    pairs = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"core"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    headers = b"".join(b"\0" + literal(name) + literal(value) for name, value in pairs)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return preface + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END, 1, headers)


async def send(at: int | Path, path: bytes) -> None:
    """To a port or a socket; returns when the call is answered."""
    try:
        if isinstance(at, int):
            reader, writer = await asyncio.open_connection("127.0.0.1", at)
        else:
            reader, writer = await asyncio.open_unix_connection(at)
    except OSError:
        # It is just coming back.
        await asyncio.sleep(0)
        return
    try:
        writer.write(call_of(path))
        kind = stream = 0
        while (kind, stream) != (HEADERS, 1):
            head = await reader.readexactly(9)
            kind, stream = head[3], int.from_bytes(head[5:], "big")
            await reader.readexactly(int.from_bytes(head[:3], "big"))
    except (asyncio.IncompleteReadError, ConnectionError):
        # The connection may go with the server.
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("path", [b"/\xff\xfe/x", b"\xc3"])
async def test_a_name_that_is_no_text_takes_the_port_from_nobody(path: bytes) -> None:
    config = CoreConfig(store="memory://")
    async with (
        open_core(config) as core,
        listen(core, "127.0.0.1:0", config) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        watching = stub.Watch(REQUEST)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        for _ in range(3):
            await send(port, path)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as other:
                answer = await health_pb2_grpc.HealthStub(other).Check(
                    REQUEST, wait_for_ready=True, timeout=60
                )
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
        # What was under way goes on.
        assert not watching.done()
        core.health.drain()
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watching.cancel()


@pytest.mark.parametrize(
    "path", [b"", b"*", b"/", b"/a\nb/c", b"/a\0b/c", b"/grpc.health.v1.Fake/X"]
)
async def test_other_odd_names_are_refused_as_any(path: bytes) -> None:
    config = CoreConfig(store="memory://")
    async with (
        open_core(config) as core,
        listen(core, "127.0.0.1:0", config) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        await send(port, path)
        assert (await health_pb2_grpc.HealthStub(channel).Check(REQUEST)).status


async def test_a_unix_socket_comes_back_too(tmp_path: Path) -> None:
    config = CoreConfig(store="memory://")
    path = tmp_path / "core.sock"
    async with open_core(config) as core, listen(core, f"unix:{path}", config):
        for _ in range(2):
            await send(path, b"/\xff")
            async with grpc.aio.insecure_channel(f"unix:{path}") as other:
                stub = health_pb2_grpc.HealthStub(other)
                assert (await stub.Check(REQUEST, wait_for_ready=True, timeout=60)).status


async def test_a_port_that_fell_a_moment_ago_can_be_stopped() -> None:
    config = CoreConfig(store="memory://")
    async with open_core(config) as core:
        for turns in range(12):
            async with listen(core, "127.0.0.1:0", config) as port:
                await send(port, b"/\xff")
                for _ in range(turns):
                    await asyncio.sleep(0)


async def test_a_port_that_falls_again_and_again_ends_no_process() -> None:
    config = CoreConfig(store="memory://")
    async with open_core(config) as core, listen(core, "127.0.0.1:0", config) as port:
        for _ in range(100):
            await send(port, b"/\xff")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            assert (await stub.Check(REQUEST, wait_for_ready=True, timeout=60)).status
