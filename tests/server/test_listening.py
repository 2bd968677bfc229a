"""The core's gRPC port."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tests.relay import GOAWAY, Relay
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


async def test_an_address_that_cannot_be_had(tmp_path: Path) -> None:
    config = CoreConfig(store="memory://")
    async with open_core(config) as core:
        with pytest.raises(OSError, match="cannot listen on"):
            async with listen(core, f"unix:{tmp_path}/none/core.sock", config):
                pass
