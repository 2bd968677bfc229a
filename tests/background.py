"""An event loop on a thread of its own, for synchronous tests that need asynchronous things."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import Self, TypeVar

T = TypeVar("T")

_PATIENCE = 60.0
"""Seconds until something that a test waits for counts as never coming."""


class BackgroundLoop:
    """A context manager. ``run`` may be called from any thread but its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background loop")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, awaitable: Awaitable[T]) -> T:
        """Raises what it raises, and ``TimeoutError`` after a minute."""

        async def wait() -> T:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(_PATIENCE)
