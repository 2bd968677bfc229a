"""Events of the runs that this core works on, for readers in the same process.

A feed exists while a worker of this core holds the run. A subscriber first gets the events that were shown and
are not yet in the log, atomically with its subscription; what it must read from the log is its own business
(``tail``). Everything here happens between two awaits, so there is nothing to lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from understudy.v1 import event_pb2

LARGEST_WAIT = 256 * 1024
"""Bytes of events that wait for one reader. One that falls behind further reads them from the log instead."""


class Subscription:
    """One reader of a feed; a context manager, so that it ends."""

    def __init__(self, feed: Feed, waiting: Sequence[event_pb2.RunEvent]) -> None:
        self._feed = feed
        self._waiting = list(waiting)
        self._bytes = 0
        self._signal = asyncio.Event()
        self.ended = False
        """The worker let go of the run; what it logged last is in the log."""
        self.nudged = False
        """Time to look at the log, whatever the feed says; who has looked clears it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._feed.drop(self)

    def push(self, events: Sequence[event_pb2.RunEvent], size: int) -> None:
        """``size``: bytes of all the events."""
        self._waiting.extend(events)
        self._bytes += size
        if self._bytes > LARGEST_WAIT:
            self.take()
            self.nudged = True
        self._signal.set()

    def end(self) -> None:
        self.ended = True
        self._signal.set()

    def nudge(self) -> None:
        self.nudged = True
        self._signal.set()

    def take(self) -> list[event_pb2.RunEvent]:
        """Everything that has come since the last call."""
        taken, self._waiting = self._waiting, []
        self._bytes = 0
        self._signal.clear()
        return taken

    async def wait_ready(self) -> None:
        """Returns when ``take`` has something to give, or the feed has ended, or a nudge has come."""
        if not self._waiting and not self.ended and not self.nudged:
            await self._signal.wait()


class Feed:
    """What one worker shows."""

    def __init__(self) -> None:
        self._unlogged: list[event_pb2.RunEvent] = []
        # A dict for its order: whoever came first is woken first.
        self._subscribers: dict[Subscription, None] = {}

    def show(self, events: Sequence[event_pb2.RunEvent], *, logged: bool) -> None:
        """Gives the events to every reader; they must not be changed afterwards."""
        if not logged:
            self._unlogged.extend(events)
        if not self._subscribers:
            return
        size = sum(event.ByteSize() for event in events)
        for subscriber in self._subscribers:
            subscriber.push(events, size)

    def logged(self, count: int) -> None:
        """The first ``count`` events shown before their commit are in the log now."""
        del self._unlogged[:count]

    def subscribe(self) -> Subscription:
        subscription = Subscription(self, self._unlogged)
        self._subscribers[subscription] = None
        return subscription

    def drop(self, subscription: Subscription) -> None:
        self._subscribers.pop(subscription, None)

    def end(self) -> None:
        for subscriber in self._subscribers:
            subscriber.end()


class Live:
    """The feeds of this core, by run id."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}

    def open(self, run_id: str) -> Feed:
        """A new feed; a stale worker's feed of the same run ends."""
        self.close(run_id)
        feed = self._feeds[run_id] = Feed()
        return feed

    def close(self, run_id: str, feed: Feed | None = None) -> None:
        """Ends the run's feed; with ``feed`` only if it is still that one."""
        current = self._feeds.get(run_id)
        if current is not None and (feed is None or current is feed):
            del self._feeds[run_id]
            current.end()

    def subscribe(self, run_id: str) -> Subscription | None:
        """None when no worker of this core holds the run."""
        feed = self._feeds.get(run_id)
        return None if feed is None else feed.subscribe()
