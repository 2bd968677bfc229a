"""The state of a connection that cannot break."""

from __future__ import annotations

import asyncio

from grpc import ChannelConnectivity


class Connectivity:
    """A ChannelConnectivity whose changes can be awaited."""

    def __init__(self, state: ChannelConnectivity) -> None:
        self._state = state
        self._changed = asyncio.Event()

    @property
    def state(self) -> ChannelConnectivity:
        return self._state

    def become(self, state: ChannelConnectivity) -> None:
        """Shutdown is for ever."""
        if self._state not in (state, ChannelConnectivity.SHUTDOWN):
            self._state = state
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def leave(self, state: ChannelConnectivity) -> None:
        """Return once the state is not ``state``."""
        while self._state is state:
            await self._changed.wait()

    async def reach(self, state: ChannelConnectivity) -> None:
        """Return once the state is ``state``."""
        while self._state is not state:
            await self._changed.wait()
