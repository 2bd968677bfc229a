"""Threads for functions that are not async, a bounded number of them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Threads(Generic[T]):
    """At most ``limit`` at a time; more wait for one to end.

    Not an executor's pool: the interpreter waits for those at its end, and a thread cannot be stopped,
    so one endless function would keep a server from ever ending.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns; it must not raise. When the caller is cancelled, it goes on and keeps its place.

        Raises ``RuntimeError`` when no thread can be started.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def finish(value: T) -> None:
            self._free.release()
            if not answer.done():
                answer.set_result(value)

        def main() -> None:
            value = context.run(work)
            # The loop may have ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, value)

        try:
            threading.Thread(target=main, name="function", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._free.release()
            raise
        return await answer
