"""Wake-ups inside one process: who waits for which partition, and how they are woken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Self

from understudy_server.clock import Clock
from understudy_server.store.port import MAX_NUMBER, Commit, Partition, Put


class LocalWatch:
    """A ``Watch``: subscribed from ``__enter__`` to ``__exit__``; one task at a time waits."""

    def __init__(self, clock: Clock, watches: Watches, partition: Partition | None) -> None:
        self._clock = clock
        self._watches = watches
        self._partition = partition
        self._changed = False
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._watches.subscribe(self, self._partition)
        return self

    def __exit__(self, *exc: object) -> None:
        self._watches.unsubscribe(self, self._partition)

    async def wait(self, timeout: float) -> bool:
        # The change is remembered from the subscription on: one that came before this call counts.
        if not self._changed:
            await self._wait_for_change(timeout)
        changed, self._changed = self._changed, False
        return changed

    async def _wait_for_change(self, timeout: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        timer = asyncio.ensure_future(self._clock.sleep(timeout))
        timer.add_done_callback(self._release)
        try:
            await self._waiter
        finally:
            self._waiter = None
            timer.remove_done_callback(self._release)
            timer.cancel()

    def wake(self) -> None:
        self._changed = True
        self._release()

    def _release(self, _timer: asyncio.Future[None] | None = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Watches:
    """All subscriptions of one store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Inner dicts for their order: whoever came first is woken first.
        self._subscribers: dict[Partition | None, dict[LocalWatch, None]] = {}

    def watch(self, partition: Partition | None) -> LocalWatch:
        return LocalWatch(self._clock, self, partition)

    def subscribe(self, watch: LocalWatch, partition: Partition | None) -> None:
        self._subscribers.setdefault(partition, {})[watch] = None

    def unsubscribe(self, watch: LocalWatch, partition: Partition | None) -> None:
        subscribers = self._subscribers.get(partition, {})
        subscribers.pop(watch, None)
        if not subscribers:
            self._subscribers.pop(partition, None)

    def is_watched(self, partition: Partition | None) -> bool:
        return partition in self._subscribers

    def announce(self, commits: Iterable[Commit]) -> None:
        """Wake whoever watches a partition that one of these commits changed, or what is due."""
        due = False
        for commit in commits:
            self.wake(commit.partition)
            due = due or makes_due(commit)
        if due:
            self.wake(None)

    def wake_all(self) -> None:
        for partition in self._subscribers:
            self.wake(partition)

    def wake(self, partition: Partition | None) -> None:
        for watch in self._subscribers.get(partition, ()):
            watch.wake()


def makes_due(commit: Commit, by: int = MAX_NUMBER) -> bool:
    """Whether those who wait for due work are to look, because of what is due at time ``by``.

    Every sign of life of a holder is due later. Between processes a wake-up for that would be a message to each
    core and a look at the index for nothing: they look from time to time anyway.
    """
    return any(
        isinstance(operation, Put) and operation.due is not None and operation.due <= by
        for operation in commit.operations
    )
