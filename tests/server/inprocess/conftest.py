"""Every test here runs over a real connection and over both modes of the in-process channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
from grpc import aio

from tests.server.inprocess.service import register
from understudy_server.inprocess import InProcessChannel, InProcessServer

Connect: TypeAlias = Callable[..., Awaitable[aio.Channel]]

_OPTIONS = (("grpc.http2.bdp_probe", 0),)
"""Without it a connection takes in tens of megabytes that nobody reads, as soon as it is slow enough."""


class Connector:
    """Starts servers and opens channels of one kind."""

    def __init__(self, kind: str, stack: AsyncExitStack) -> None:
        self.kind = kind
        self._stack = stack
        self.server: aio.Server | None = None

    async def __call__(
        self, *, interceptors: Sequence[aio.ServerInterceptor] = (), **behaviours: Any
    ) -> aio.Channel:
        """A channel to a running server with these handlers."""
        server: aio.Server
        channel: aio.Channel
        if self.kind == "wire":
            server = aio.server(interceptors=interceptors, options=_OPTIONS)
            port = server.add_insecure_port("127.0.0.1:0")
            register(server, behaviours)
            await server.start()
            channel = aio.insecure_channel(f"127.0.0.1:{port}", options=_OPTIONS)
        else:
            server = local = InProcessServer(interceptors=interceptors)
            register(server, behaviours)
            await server.start()
            channel = InProcessChannel(local, copy=self.kind == "copy")
        self.server = server
        self._stack.push_async_callback(server.stop, None)
        self._stack.push_async_callback(channel.close)
        return channel


@pytest.fixture(params=["wire", "copy", "direct"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connector]:
    async with AsyncExitStack() as stack:
        yield Connector(request.param, stack)
