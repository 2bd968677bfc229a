"""Several cores as one channel: each call goes to one that is there, in turns.

gRPC's own lists (``ipv4:a,b``, DNS) cannot mix hosts with Unix sockets, so each core has a channel of
its own here, which reconnects by itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import grpc
from grpc import ChannelConnectivity, aio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_BEST_FIRST = (
    ChannelConnectivity.READY,
    ChannelConnectivity.CONNECTING,
    ChannelConnectivity.IDLE,
    ChannelConnectivity.TRANSIENT_FAILURE,
    ChannelConnectivity.SHUTDOWN,
)


class Cores(aio.Channel):
    """A channel over the channels of the cores, all of which it owns."""

    def __init__(self, channels: Sequence[aio.Channel]) -> None:
        self._channels = channels
        self._next = 0

    def pick(self) -> int:
        """The number of the core for the next call: of those in the best state, each in its turn."""
        # Asking is also what makes an idle one connect.
        states = [channel.get_state(try_to_connect=True) for channel in self._channels]
        best = min(states, key=_BEST_FIRST.index)
        count = len(states)
        chosen = next(
            number % count
            for number in range(self._next, self._next + count)
            if states[number % count] is best
        )
        self._next = chosen + 1
        return chosen

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await asyncio.gather(*(channel.close(grace) for channel in self._channels))

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        """The best state of any core."""
        states = [channel.get_state(try_to_connect) for channel in self._channels]
        return min(states, key=_BEST_FIRST.index)

    async def wait_for_state_change(self, last_observed_state: ChannelConnectivity) -> None:
        while self.get_state() is last_observed_state:
            waiting = [
                asyncio.create_task(channel.wait_for_state_change(channel.get_state()))
                for channel in self._channels
            ]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting:
                    task.cancel()

    async def channel_ready(self) -> None:
        while (state := self.get_state(try_to_connect=True)) is not ChannelConnectivity.READY:
            await self.wait_for_state_change(state)

    def unary_unary(self, *method: Any, **named: Any) -> Any:
        return self._spread([channel.unary_unary(*method, **named) for channel in self._channels])

    def unary_stream(self, *method: Any, **named: Any) -> Any:
        return self._spread([channel.unary_stream(*method, **named) for channel in self._channels])

    def stream_unary(self, *method: Any, **named: Any) -> Any:
        return self._spread([channel.stream_unary(*method, **named) for channel in self._channels])

    def stream_stream(self, *method: Any, **named: Any) -> Any:
        return self._spread([channel.stream_stream(*method, **named) for channel in self._channels])

    def _spread(self, calls: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return calls[self.pick()](*arguments, **named)

        return call


def is_reachable(channel: grpc.aio.Channel) -> bool:
    """Whether a call would be sent at once. Makes an idle channel connect."""
    return channel.get_state(try_to_connect=True) is ChannelConnectivity.READY
