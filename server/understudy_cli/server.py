"""Core and edge in one process: for `understudy serve`, and for programs that want a server inside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from socket import socket
from typing import Self

import grpc.aio

from understudy_edge.app import EdgeServer, create_app
from understudy_edge.config import EdgeConfig
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import in_process, listen

OFF = "off"


class Server:
    """Both faces. ``start`` and ``stop`` it, or use it as an async context manager."""

    def __init__(
        self,
        *,
        core: CoreConfig | None = None,
        edge: EdgeConfig | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        grpc: str = OFF,
        sockets: Sequence[socket] = (),
    ) -> None:
        """``grpc``: an address for gRPC as well (``host:port`` or ``unix:path``), or ``off``.

        ``sockets``, if there are any, listen already, and take the place of host and port.
        """
        self._core = core or CoreConfig()
        # Its core ends with it: there is nothing to wait for, and no other to repeat a call at.
        self._edge = replace(edge or EdgeConfig(), retry_seconds=0)
        self._host = host
        self._port = port
        self._grpc = grpc
        self._sockets = sockets
        self._stack = AsyncExitStack()
        self.url = ""
        """The ``base_url`` for an OpenAI client, once started."""
        self.grpc_port = 0
        """The bound gRPC port, if there is one."""
        self.first_key: str | None = None
        """The key that was made because there was none."""

    async def start(self) -> None:
        """Raises ``OSError`` for a port that is taken, ``StoreError`` and ``InvalidStoreUrl``."""
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(open_core(self._core))
            if self._grpc != OFF:
                self.grpc_port = await stack.enter_async_context(
                    listen(core, self._grpc, self._core)
                )
            channel = await stack.enter_async_context(in_process(core))
            base = await stack.enter_async_context(
                run_edge(
                    channel,
                    self._edge,
                    self._host,
                    self._port,
                    self._core.grace,
                    sockets=self._sockets,
                )
            )
            self.url = f"{base}/v1"
            self.first_key = core.first_key
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Takes no more requests, finishes what fits the grace period, hands over the rest."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


@asynccontextmanager
async def run_edge(
    channel: grpc.aio.Channel,
    config: EdgeConfig,
    host: str,
    port: int,
    grace: float,
    *,
    sockets: Sequence[socket] = (),
) -> AsyncIterator[str]:
    """An edge on a port of its own; gives its URL, without a path. Raises ``OSError``.

    ``sockets``, if there are any, listen already, and take the place of host and port.
    """
    server = EdgeServer(create_app(channel, config), config.tls)
    try:
        if sockets:
            await server.start_on(sockets)
        else:
            await server.start(host, port)
        yield server.url
    finally:
        await server.stop(grace)
