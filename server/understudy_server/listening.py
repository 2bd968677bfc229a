"""The two ways into a core: a gRPC port, and a channel inside this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc.aio

from understudy_server.app import Core
from understudy_server.config import CoreConfig
from understudy_server.inprocess import InProcessChannel, InProcessServer
from understudy_server.serving import LastingServer, build_server
from understudy_server.tls import TlsFiles

STOP_GRACE = 2.0
"""Seconds that calls get to end when the server stops; clients of streams resume elsewhere."""

_FILE = "unix:"


@asynccontextmanager
async def listen(core: Core, address: str, config: CoreConfig) -> AsyncIterator[int]:
    """A gRPC server on ``host:port`` or ``unix:path``; gives the bound port.

    A Unix socket needs no TLS. Raises ``OSError``, also for a certificate that cannot be read.
    """

    def build() -> grpc.aio.Server:
        server = build_server(
            interceptors=core.interceptors,
            options=(
                ("grpc.max_receive_message_length", config.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                # Two servers on one port would share its callers at random.
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_permit_without_calls", 1),
                # Edges ask for signs of life as often as they are told to. Too often would be answered
                # by ending the connection, and every stream on it.
                ("grpc.http2.min_ping_interval_without_data_ms", 10),
                ("grpc.http2.max_ping_strikes", 0),
            ),
        )
        core.attach(server)
        return server

    def bind(server: grpc.aio.Server, port: int | None) -> int:
        there = address if port is None else _with_port(address, port)
        if config.tls is None or _is_local(address):
            with _socket_mode(config.socket_mode):
                return server.add_insecure_port(there)
        return server.add_secure_port(there, TlsFiles(config.tls).credentials())

    def is_free() -> bool:
        return not (address.startswith(_FILE) and Path(address.removeprefix(_FILE)).exists())

    server = LastingServer(build, bind, is_free=is_free)
    try:
        port = await server.start()
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from error
    try:
        yield port
    finally:
        # Who watches hears of it while its call is still open.
        core.health.drain()
        await server.stop(STOP_GRACE)


@asynccontextmanager
async def in_process(core: Core, *, copy: bool = False) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the core without a socket. ``copy``: messages are copied, as tests want it."""
    server = InProcessServer(interceptors=core.interceptors)
    core.attach(server)
    await server.start()
    try:
        async with InProcessChannel(server, copy=copy) as channel:
            yield channel
    finally:
        await server.stop(STOP_GRACE)


@contextmanager
def _socket_mode(mode: int) -> Iterator[None]:
    """Files that are made meanwhile get these permissions: there is no moment at which others may connect."""
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def _is_local(address: str) -> bool:
    return address.startswith(("unix:", "unix-abstract:"))


def _with_port(address: str, port: int) -> str:
    """The address that was bound, where any port was asked for."""
    return address if _is_local(address) else f"{address.rpartition(':')[0]}:{port}"
