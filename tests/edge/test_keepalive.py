"""A core that stands still, its connection being there: the edge asks for a sign of life and gives it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from tests.edge.conftest import HEADERS
from tests.edge.fake_core import GOOD_KEY, Context, FakeCore, fail, forever
from tests.relay import GOAWAY, Relay
from tests.servers import Process, start
from understudy.v1 import assistant_pb2, thread_pb2
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_edge.channel import open_channel

KEY = (("authorization", f"Bearer {GOOD_KEY}"),)


def port_of(core: FakeCore) -> int:
    return int(core.address.rpartition(":")[2])


async def hang(_request: Any, _context: Context) -> thread_pb2.Thread:
    await forever()
    return thread_pb2.Thread()


async def stumble(_request: Any, context: Context) -> assistant_pb2.Assistant:
    await fail(context, "UNAVAILABLE", "The store is away.")
    return assistant_pb2.Assistant()


async def test_a_core_that_stands_still_is_given_up(core: FakeCore) -> None:
    core.unary["GetThread"] = hang
    async with (
        Relay(port_of(core)) as relay,
        open_channel([relay.address], keepalive=1, keepalive_timeout=1) as channel,
    ):
        get = AssistantsServiceStub(channel).GetThread
        # A connection that counts as there in spite of silence would use up the call's time.
        call = get(thread_pb2.GetThreadRequest(thread_id="t"), metadata=KEY, timeout=50)
        waiting = asyncio.ensure_future(call)
        # As many as it takes: the silence between them is not limited to a few.
        await relay.pings(4)
        relay.freeze()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await waiting
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert relay.answered[GOAWAY] == 0


@asynccontextmanager
async def started(relay: Relay, folder: Path, **settings: str) -> AsyncIterator[Process]:
    """An edge as a process of its own, with these settings."""
    variables = {"UNDERSTUDY_PORT": "0", "HOME": str(folder)}
    variables |= {f"UNDERSTUDY_{name}": value for name, value in settings.items()}
    process = await asyncio.to_thread(start, ["edge", "--core", relay.address], folder, variables)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.kill)


async def test_the_settings_of_an_edge_take_effect(core: FakeCore, tmp_path: Path) -> None:
    core.unary["GetAssistant"] = stumble
    settings = {"KEEPALIVE": "1", "KEEPALIVE_TIMEOUT": "60", "RETRY": "0"}
    async with (
        Relay(port_of(core)) as relay,
        started(relay, tmp_path, **settings) as edge,
        Relay(port_of(core)) as other,
        open_channel([other.address]),
        aiohttp.ClientSession(headers=HEADERS) as client,
    ):
        # By itself it would ask every ten seconds, as the other one does.
        asking = [asyncio.create_task(each.pings(3)) for each in (relay, other)]
        first, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        asking[1].cancel()
        assert first == {asking[0]}
        # Without patience a call is made once.
        async with client.get(f"{edge.facts['REST']}/assistants/a") as response:
            assert response.status == 503
    assert core.methods() == ["GetAssistant"]
