"""Wake-ups from every core's commits, over one connection that listens.

A message says which partition was changed and whether that made something due. Messages are hints, so what was
lost while the connection was away costs nothing: everybody is woken when it is back.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from understudy_server.clock import Clock
from understudy_server.store.ending import end
from understudy_server.store.port import Commit, Partition
from understudy_server.store.redis.keys import packed, unpacked
from understudy_server.store.watches import Watches, makes_due

PAUSE = 0.5
"""Seconds before the next try to connect."""


class Listener(Protocol):
    """A connection that is subscribed to everything."""

    async def receive(self) -> bytes:
        """The next message; raises ``RedisError`` or ``OSError`` when the connection is lost."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def announcement(commit: Commit, now: int) -> bytes:
    return packed("due" if makes_due(commit, now) else "", *commit.partition)


class WakeUps:
    """Passes announcements on to the watches, from ``start`` to ``stop``."""

    def __init__(self, listener: Listener, watches: Watches, clock: Clock) -> None:
        self._listener = listener
        self._watches = watches
        self._clock = clock
        self._log = structlog.get_logger().bind(component="store")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when every later announcement will be heard. Raises ``RedisError`` or ``OSError``."""
        await self._listener.open()
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        await end(self._task)
        await self._listener.close()

    async def _listen(self) -> None:
        while True:
            try:
                self._pass_on(await self._listener.receive())
            except (RedisError, OSError) as error:
                self._log.warning("wake_ups_lost", error=str(error))
                await self._reopen()

    async def _reopen(self) -> None:
        while True:
            await self._clock.sleep(PAUSE)
            try:
                await self._listener.close()
                await self._listener.open()
            except (RedisError, OSError):
                continue
            self._watches.wake_all()
            return

    def _pass_on(self, message: bytes) -> None:
        due, project, name = unpacked(message)
        self._watches.wake(Partition(project, name))
        if due:
            self._watches.wake(None)
