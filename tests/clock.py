"""A clock that stands still until a test moves it.

clock = FakeClock()
await clock.advance(5)            # wakes sleepers in order, each at its own time
value = await clock.run_until(f())  # jumps from one sleeper to the next until f() has ended
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

_OUTSIDE = 0.005
"""Real seconds to wait for a thread or a socket when nobody sleeps on this clock."""


class FakeClock:
    """Implements ``Clock``. Time moves only in ``advance`` and ``run_until``."""

    def __init__(self, *, wall: int = 1_700_000_000_000_000) -> None:
        """``wall``: microseconds since the epoch at the start."""
        self._now = 0.0
        self._wall = wall
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        """A heap: by time, then by who slept first."""

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> int:
        return self._wall + round(self._now * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), future))
        await future

    def set_wall(self, wall: int) -> None:
        """Step the wall clock, as an administrator or NTP may; the monotonic one goes on."""
        self._wall = wall - round(self._now * 1_000_000)

    async def advance(self, seconds: float) -> None:
        """Let that much time pass; everybody who wakes has acted before the next one wakes."""
        end = self._now + seconds
        await idle()
        while (at := self._next()) is not None and at <= end:
            self.wake_next()
            await idle()
        self._now = end

    async def run_until(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end, jumping over every time in which all tasks sleep."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                await idle()
                if task.done():
                    return task.result()
                if not self.wake_next():
                    await asyncio.wait({task}, timeout=_OUTSIDE)
        finally:
            task.cancel()

    def _next(self) -> float | None:
        """When the first sleeper wakes; those who were cancelled are dropped."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def wake_next(self) -> bool:
        """Jump to the time at which the next sleeper wakes; False when nobody sleeps."""
        if self._next() is None:
            return False
        at, _, future = heapq.heappop(self._sleepers)
        self._now = max(self._now, at)
        future.set_result(None)
        return True


async def idle() -> None:
    """Return once no other task of this loop can run without time, a thread or a socket."""
    # asyncio has no public word for it. While this task runs, the queue holds everybody else who is
    # ready; each round lets them all take one step.
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # see above
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 - no event tells that nobody else can run
        await asyncio.sleep(0)
