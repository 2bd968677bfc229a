"""Time as a port: what the machine's clocks say, and waiting.

The server never calls ``time`` or ``asyncio.sleep`` directly, so that tests can own time. Durable
timestamps come from the *store's* clock (``Store.now``), which is built on top of this one.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

SECOND = 1_000_000
"""In the unit of wall clocks and of the store's time."""


class Clock(Protocol):
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean something."""
        ...

    def wall(self) -> int:
        """Microseconds since the Unix epoch, as this machine believes."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock's time; zero yields to other tasks once."""
        ...


class SystemClock:
    """The real clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> int:
        return time.time_ns() // 1_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
