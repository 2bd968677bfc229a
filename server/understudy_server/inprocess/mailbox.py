"""Messages on their way in one direction of a call."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from grpc import aio


class Mailbox:
    """A bounded queue with an end: the writer waits while ``capacity`` messages are unread."""

    __slots__ = ("_capacity", "_closed", "_messages", "_waiters")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: deque[Any] = deque()
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = False

    @property
    def drained(self) -> bool:
        """Closed, and everything has been read."""
        return self._closed and not self._messages

    async def put(self, message: Any) -> None:
        """Add a message; one that comes after the end is dropped, since nobody will read it."""
        while len(self._messages) >= self._capacity and not self._closed:
            await self._changed()
        if not self._closed:
            self._messages.append(message)
            self._wake()

    async def get(self) -> Any:
        """The next message, or ``grpc.aio.EOF`` after the last."""
        while not self._messages:
            if self._closed:
                return aio.EOF
            await self._changed()
        message = self._messages.popleft()
        self._wake()
        return message

    def close(self) -> None:
        """Nothing follows; what is here can still be read."""
        self._closed = True
        self._wake()

    def discard(self) -> None:
        """Nothing follows, and what is here is lost."""
        self._messages.clear()
        self.close()

    async def _changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
