"""The core's gRPC port."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.relay import GOAWAY, Relay
from understudy.v1.assistant_pb2 import CreateAssistantRequest
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import listen


async def test_signs_of_life_may_be_asked_for_as_often_as_one_likes() -> None:
    config = CoreConfig(store="memory://")
    options = (
        ("grpc.keepalive_time_ms", 1_000),
        ("grpc.keepalive_timeout_ms", 60_000),
        ("grpc.http2.ping_timeout_ms", 60_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.use_local_subchannel_pool", 1),
    )
    async with (
        open_core(config) as core,
        listen(core, "127.0.0.1:0", config) as port,
        Relay(port) as relay,
        grpc.aio.insecure_channel(relay.address, options=options) as channel,
    ):
        await channel.channel_ready()
        # By default the third one would be the last.
        await relay.pings(6)
        assert relay.answered[GOAWAY] == 0
        assert relay.connections == 1


async def test_who_watches_hears_that_the_server_stops() -> None:
    config = CoreConfig(store="memory://")
    request = health_pb2.HealthCheckRequest(service="understudy.v1.AssistantsService")
    async with open_core(config) as core, AsyncExitStack() as stack:
        port = await stack.enter_async_context(listen(core, "127.0.0.1:0", config))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            watching = health_pb2_grpc.HealthStub(channel).Watch(request)
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
            stopping = asyncio.create_task(stack.aclose())
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watching.cancel()
            await stopping


async def test_an_address_that_cannot_be_had(tmp_path: Path) -> None:
    config = CoreConfig(store="memory://")
    async with open_core(config) as core:
        with pytest.raises(OSError, match="cannot listen on"):
            async with listen(core, f"unix:{tmp_path}/none/core.sock", config):
                pass


async def test_a_message_that_is_too_large_is_refused_with_its_size() -> None:
    config = CoreConfig(store="memory://", auth=False, max_message_bytes=10_000)
    async with (
        open_core(config) as core,
        listen(core, "127.0.0.1:0", config) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = AssistantsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.CreateAssistant(CreateAssistantRequest(model="demo", name="x" * 20_000))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "larger than max" in (caught.value.details() or "")
        assert (await stub.CreateAssistant(CreateAssistantRequest(model="demo"))).model == "demo"
