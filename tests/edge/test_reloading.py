"""A channel that is replaced: who gets a call, and when the older ones end, over channels that only count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from grpc import ChannelConnectivity, aio

from understudy_edge.cores import is_reachable
from understudy_edge.reloading import ReloadingChannel

READY, CONNECTING, FAILED, SHUTDOWN = (
    ChannelConnectivity.READY,
    ChannelConnectivity.CONNECTING,
    ChannelConnectivity.TRANSIENT_FAILURE,
    ChannelConnectivity.SHUTDOWN,
)
KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class Call:
    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._callbacks.append(callback)

    def end(self) -> None:
        for callback in self._callbacks:
            callback(self)


class Channel:
    """Knows what was asked of it. As with gRPC's, closing it ends its calls, and it gives no more."""

    def __init__(self, state: ChannelConnectivity = READY) -> None:
        self.state = state
        self.methods: list[tuple[str, str]] = []
        self.calls: list[Call] = []
        self.graces: list[float | None] = []
        self.closed = asyncio.Event()
        self._changed = asyncio.Condition()

    def __getattr__(self, kind: str) -> Any:
        assert kind in KINDS

        def method(path: str, **_named: Any) -> Callable[..., Call]:
            self.methods.append((kind, path))
            return self._begin

        return method

    def _begin(self, *_arguments: Any, **_named: Any) -> Call:
        if self.state is SHUTDOWN:
            raise aio.UsageError("Channel is closed.")
        self.calls.append(Call())
        return self.calls[-1]

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        return self.state

    async def wait_for_state_change(self, last: ChannelConnectivity) -> None:
        if self.state is SHUTDOWN:
            raise aio.UsageError("Channel is closed.")
        async with self._changed:
            await self._changed.wait_for(lambda: self.state is not last)

    async def become(self, state: ChannelConnectivity) -> None:
        async with self._changed:
            self.state = state
            self._changed.notify_all()

    async def close(self, grace: float | None = None) -> None:
        self.graces.append(grace)
        self.closed.set()
        await self.become(SHUTDOWN)
        for call in self.calls:
            call.end()


class Following:
    """Channels, the next of which is used after ``replace``."""

    def __init__(self, *states: ChannelConnectivity) -> None:
        self.channels: list[Any] = [Channel(state) for state in states]
        self._coming: list[Any] = []
        self._left = self.channels[1:]
        self.channel = ReloadingChannel(self.channels[0], self._renewed, wake_every=0.01)

    def replace(self) -> None:
        self._coming.append(self._left.pop(0))

    def _renewed(self) -> Any:
        return self._coming.pop() if self._coming else None

    def counts(self) -> list[int]:
        return [len(channel.calls) for channel in self.channels]

    def closed(self) -> list[bool]:
        return [channel.closed.is_set() for channel in self.channels]


async def settle() -> None:
    """Return when everything that was scheduled by now has come to its end."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", KINDS)
async def test_new_calls_go_over_the_newest(kind: str) -> None:
    following = Following(READY, READY)
    method = getattr(following.channel, kind)("/service/Method")
    first, other = method(), method()
    following.replace()
    method()
    method()
    assert following.counts() == [2, 2]
    assert [channel.methods for channel in following.channels] == [[(kind, "/service/Method")]] * 2
    first.end()
    await settle()
    assert following.closed() == [False, False]
    other.end()
    await settle()
    assert following.closed() == [True, False]


async def test_one_without_calls_is_closed_at_once() -> None:
    following = Following(READY, READY, READY)
    method = following.channel.unary_unary("/service/Method")
    method().end()
    following.replace()
    assert is_reachable(following.channel)
    await settle()
    assert following.closed() == [True, False, False]
    call = method()
    following.replace()
    assert is_reachable(following.channel)
    await settle()
    assert following.closed() == [True, False, False]
    call.end()
    await settle()
    assert following.closed() == [True, True, False]


async def test_a_call_that_could_not_be_made_holds_nothing() -> None:
    following = Following(SHUTDOWN, READY)
    method = following.channel.unary_unary("/service/Method")
    with pytest.raises(aio.UsageError):
        method()
    following.replace()
    method()
    await settle()
    assert following.closed() == [True, False]


async def test_closing_it_closes_all_once_and_takes_no_other() -> None:
    following = Following(READY, READY, READY, READY)
    async with following.channel as channel:
        method = channel.unary_unary("/service/Method")
        for _ in range(2):
            method()
            following.replace()
        method()
        await channel.close(3)
        following.replace()
        assert channel.get_state() is SHUTDOWN
        with pytest.raises(aio.UsageError):
            method()
    assert [channel.graces[:1] for channel in following.channels] == [[3], [3], [3], []]
    await settle()


async def test_closing_it_waits_for_one_that_is_being_closed() -> None:
    following = Following(READY, READY)
    following.replace()
    following.channel.get_state()
    await following.channel.close()
    assert [channel.state for channel in following.channels] == [SHUTDOWN, SHUTDOWN]


async def test_its_state_is_that_of_the_newest() -> None:
    following = Following(READY, CONNECTING)
    call = following.channel.unary_unary("/service/Method")()
    assert is_reachable(following.channel)
    following.replace()
    assert not is_reachable(following.channel)
    await following.channels[1].become(READY)
    assert is_reachable(following.channel)
    call.end()
    await settle()
    assert is_reachable(following.channel)


async def test_waiting_for_a_state_goes_over_to_the_newest() -> None:
    following = Following(FAILED, FAILED)
    waiting = asyncio.create_task(following.channel.channel_ready())
    changing = asyncio.create_task(following.channel.wait_for_state_change(FAILED))
    await settle()
    following.replace()
    await following.channels[0].closed.wait()
    await following.channels[1].become(CONNECTING)
    await changing
    await following.channels[1].become(READY)
    await waiting
    assert following.closed() == [True, False]


async def test_a_replacement_in_another_state_ends_the_wait() -> None:
    following = Following(FAILED, READY)
    waiting = asyncio.create_task(following.channel.wait_for_state_change(FAILED))
    await settle()
    following.replace()
    await waiting
    await following.channel.close()
    with pytest.raises(aio.UsageError):
        await following.channel.wait_for_state_change(SHUTDOWN)
