"""How long and how often to try again what a broken connection has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio

LOST = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)
"""How a call ends whose connection broke, whose core went away, or for which there was no room at the moment."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_STEADY = 2.0
"""Seconds for which a stream has stood that was no mere attempt, even if nothing came."""


class Patience:
    """``seconds``: how long to try without success. ``now`` is a clock in seconds that never goes back."""

    def __init__(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._sleep = sleep
        self._pause = _FIRST_PAUSE
        self._lost_since: float | None = None
        self._accepted = float("inf")

    def accepted(self) -> None:
        """A stream has been opened."""
        self._accepted = self._now()

    def succeeded(self) -> None:
        self._lost_since = None
        self._pause = _FIRST_PAUSE

    async def again(self, error: grpc.aio.AioRpcError) -> None:
        """Returns when it is time for the next attempt; raises ``error`` when patience has an end."""
        now = self._now()
        if now - self._accepted >= _STEADY:
            self.succeeded()
        self._accepted = float("inf")
        if self._lost_since is None:
            self._lost_since = now
        if now - self._lost_since + self._pause > self._seconds:
            raise error
        await self.pause()

    async def pause(self) -> None:
        """Longer each time."""
        await self._sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
