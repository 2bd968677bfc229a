"""The server's time, told by this machine's monotonic clock.

The difference between the two is measured now and then: half of a round trip is how far a measurement may be
wrong, so slow ones are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import StoreError
from understudy_server.store.ending import end

EVERY = 30.0
"""Seconds between measurements."""

SLOW = 0.25
"""Seconds of a round trip beyond which its measurement is only better than none."""


class StoreTime:
    """``ask`` gives the server's time in microseconds since the epoch, or raises ``StoreError``."""

    def __init__(self, ask: Callable[[], Awaitable[int]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._offset: int | None = None
        self._task: asyncio.Task[None] | None = None

    def now(self) -> int:
        """Microseconds since the epoch; never before ``start``."""
        assert self._offset is not None
        return self._offset + self._monotonic()

    async def start(self) -> None:
        await self.measure()
        self._task = asyncio.create_task(self._keep_measuring())

    async def stop(self) -> None:
        await end(self._task)

    async def measure(self) -> None:
        before = self._monotonic()
        told = await self._ask()
        after = self._monotonic()
        if self._offset is None or after - before <= SLOW * SECOND:
            self._offset = told - (before + after) // 2

    async def _keep_measuring(self) -> None:
        while True:
            await self._clock.sleep(EVERY)
            try:
                await self.measure()
            except StoreError as error:
                structlog.get_logger().warning("store_time_unknown", error=str(error))

    def _monotonic(self) -> int:
        return round(self._clock.monotonic() * SECOND)
