from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.edge.fake_core import GOOD_KEY, FakeCore
from understudy_edge.app import EdgeServer, create_app
from understudy_edge.channel import open_channel, parse_addresses
from understudy_edge.config import EdgeConfig

HEADERS = {"Authorization": f"Bearer {GOOD_KEY}", "OpenAI-Beta": "assistants=v2"}

StartEdge = Callable[..., Awaitable[aiohttp.ClientSession]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def core(stack: AsyncExitStack) -> FakeCore:
    core = FakeCore()
    await core.start()
    stack.push_async_callback(core.stop)
    return core


@pytest.fixture
def start_edge(stack: AsyncExitStack) -> StartEdge:
    """Starts an edge before one address or several; gives a client with a good key and the beta header."""

    async def start(addresses: str, **settings: Any) -> aiohttp.ClientSession:
        channel = open_channel(parse_addresses(addresses))
        stack.push_async_callback(channel.close)
        server = EdgeServer(create_app(channel, EdgeConfig(**settings)))
        await server.start("127.0.0.1", 0)
        stack.push_async_callback(server.stop, 0)
        session = aiohttp.ClientSession(server.url, headers=HEADERS)
        return await stack.enter_async_context(session)

    return start


@pytest.fixture
async def edge(start_edge: StartEdge, core: FakeCore) -> aiohttp.ClientSession:
    return await start_edge(core.address)
