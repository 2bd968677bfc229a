"""Several cores as one channel: who gets a call, over channels whose states a test sets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from grpc import ChannelConnectivity
from grpc_health.v1 import health_pb2

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import FakeCore
from understudy_edge.cores import Cores, is_reachable

READY, CONNECTING, IDLE, FAILED, SHUTDOWN = (
    ChannelConnectivity.READY,
    ChannelConnectivity.CONNECTING,
    ChannelConnectivity.IDLE,
    ChannelConnectivity.TRANSIENT_FAILURE,
    ChannelConnectivity.SHUTDOWN,
)


class Channel:
    """One core's channel, as far as choosing needs it."""

    def __init__(self, state: ChannelConnectivity) -> None:
        self.state = state
        self.connecting = 0
        self.changed = asyncio.Event()

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        self.connecting += try_to_connect
        return self.state

    async def wait_for_state_change(self, last: ChannelConnectivity) -> None:
        while self.state is last:
            await self.changed.wait()

    def become(self, state: ChannelConnectivity) -> None:
        self.state = state
        self.changed.set()


def cores(*states: ChannelConnectivity) -> tuple[Cores, list[Any]]:
    channels: list[Any] = [Channel(state) for state in states]
    return Cores(channels), channels


@pytest.mark.parametrize(
    ("states", "picked"),
    [
        ((READY, READY), [0, 1, 0, 1]),
        ((READY, READY, READY), [0, 1, 2, 0]),
        ((FAILED, READY, READY), [1, 2, 1, 2]),
        ((READY, CONNECTING), [0, 0, 0, 0]),
        ((FAILED, CONNECTING), [1, 1, 1, 1]),
        ((IDLE, FAILED), [0, 0, 0, 0]),
        ((FAILED, FAILED), [0, 1, 0, 1]),
    ],
)
async def test_a_call_goes_to_one_that_is_there(
    states: tuple[ChannelConnectivity, ...], picked: list[int]
) -> None:
    channel, each = cores(*states)
    assert [channel.pick() for _ in picked] == picked
    assert all(one.connecting == len(picked) for one in each)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((FAILED, READY), READY),
        ((FAILED, CONNECTING), CONNECTING),
        ((IDLE, FAILED), IDLE),
        ((FAILED, FAILED), FAILED),
        ((SHUTDOWN, SHUTDOWN), SHUTDOWN),
    ],
)
async def test_it_is_as_well_as_the_best_of_them(
    states: tuple[ChannelConnectivity, ...], state: ChannelConnectivity
) -> None:
    channel, _ = cores(*states)
    assert channel.get_state() is state
    assert is_reachable(channel) == (state is READY)


async def test_waiting_for_one_that_is_there() -> None:
    channel, (one, other) = cores(FAILED, CONNECTING)
    waiting = asyncio.create_task(channel.channel_ready())
    one.become(CONNECTING)
    other.become(FAILED)
    one.become(READY)
    await waiting
    assert is_reachable(channel)


async def test_two_cores_on_different_kinds_of_address(
    start_edge: StartEdge, tmp_path: Path
) -> None:
    cores = (FakeCore(), FakeCore(listen=f"unix:{tmp_path}/core"))
    for core in cores:
        await core.start()
    edge = await start_edge(",".join(core.address for core in cores), retry_seconds=100)

    async def ask() -> None:
        async with edge.get("/v1/models") as response:
            assert response.status == 200

    while not all(core.calls for core in cores):
        await ask()
    await cores[0].stop()
    before = len(cores[1].calls)
    for _ in range(4):
        await ask()
    assert len(cores[1].calls) == before + 4
    await cores[1].stop()


async def test_a_core_that_is_not_well_is_left_out_until_it_is(start_edge: StartEdge) -> None:
    cores = (FakeCore(), FakeCore())
    for core in cores:
        await core.start()
    ill, _ = cores
    edge = await start_edge(",".join(core.address for core in cores), retry_seconds=100)

    async def goes_to_the_ill() -> bool:
        before = len(ill.calls)
        async with edge.get("/v1/models") as response:
            assert response.status == 200
        return len(ill.calls) > before

    while not await goes_to_the_ill():
        pass
    await ill.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    # Calls go to both in turns, until the edge has heard.
    while any([await goes_to_the_ill() for _ in range(4)]):
        pass
    await ill.health.set("", health_pb2.HealthCheckResponse.SERVING)
    while not await goes_to_the_ill():
        pass
    for core in cores:
        await core.stop()
