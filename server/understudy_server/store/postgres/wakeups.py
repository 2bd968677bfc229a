"""Wake-ups from every core's commits, over one connection that does nothing else.

A commit does not notify: PostgreSQL lets only one notifying transaction at a time commit. What was changed is
gathered and told right afterwards, in one message for everything that came while the last one was on its way.

Behind a proxy that gives a connection another session for each transaction, nobody can listen. There the server is
asked, a few times a second, whether anything was committed since; then everybody is woken.

Messages are hints, so what was lost while the connection was away costs nothing: everybody is woken when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import structlog

from understudy_server.clock import Clock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import Commit
from understudy_server.store.postgres.announcing import Gathering, parse
from understudy_server.store.postgres.connecting import TIMEOUT, Connection
from understudy_server.store.watches import Watches, makes_due

PAUSE = 0.5
"""Seconds before the next try to connect."""

GATHER = 0.002
"""Seconds between messages, in which more changes gather."""

POLL = 0.1
"""Seconds between questions where nobody can listen."""

QUIET = 30.0
"""Seconds after which a silent connection is asked whether it is still there."""

NOTIFY = "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message"

# Whatever is committed changes it; it is the server's, so that other databases on it cause wake-ups for nothing.
SNAPSHOT = "SELECT pg_current_snapshot()::text"

_FAILURES = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    StoreUnavailable,
)


class WakeUps:
    """Tells and hears what was changed, from ``start`` to ``stop``."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        channel: str,
        watches: Watches,
        clock: Clock,
        *,
        listen: bool,
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._watches = watches
        self._clock = clock
        self._listen = listen
        self._log = structlog.get_logger().bind(component="store")
        self._gathering = Gathering()
        self._untold: list[str] = []
        """Messages that have perhaps not arrived."""
        self._something = asyncio.Event()
        """To be told, or the connection was lost."""
        self._connection: Connection | None = None
        self._snapshot = ""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when every later change will be heard of. Raises what ``connect`` raises."""
        await self._open()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """What was announced is told first, if the connection is there."""
        self._stopping = True
        self._something.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        self._end()

    def announce(self, commit: Commit, now: int) -> None:
        """Those who wait here are woken at once. ``now``: the store's time."""
        self._watches.wake(commit.partition)
        if makes_due(commit, now):
            self._watches.wake(None)
        self._gathering.add(commit, now)
        self._something.set()

    async def _work(self) -> None:
        while not self._stopping:
            try:
                await self._wait()
                self._something.clear()
                await self._tell()
                if not self._listen:
                    await self._look()
            except _FAILURES as error:
                if not self._stopping:
                    self._log.warning("wake_ups_lost", error=str(error))
                    await self._reopen()
        with suppress(*_FAILURES):
            await self._tell()

    async def _wait(self) -> None:
        """Until there is something to do; with a little time for more to come."""
        longest = QUIET if self._listen else POLL
        try:
            async with asyncio.timeout(longest):
                await self._something.wait()
        except TimeoutError:
            if self._listen:
                await self._current().execute("SELECT 1", timeout=TIMEOUT)
        else:
            if not self._stopping:
                await self._clock.sleep(GATHER)

    async def _tell(self) -> None:
        connection = self._current()
        self._untold += self._gathering.take()
        if self._untold:
            await connection.execute(NOTIFY, self._channel, self._untold, timeout=TIMEOUT)
            self._untold = []

    async def _look(self) -> None:
        snapshot = await self._current().fetchval(SNAPSHOT, timeout=TIMEOUT)
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._watches.wake_all()

    def _current(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            raise ConnectionResetError("the connection was closed")
        return self._connection

    async def _reopen(self) -> None:
        while not self._stopping:
            await self._clock.sleep(PAUSE)
            self._end()
            try:
                await self._open()
            except _FAILURES:
                continue
            self._watches.wake_all()
            return

    async def _open(self) -> None:
        connection = await self._connect()
        connection.add_termination_listener(self._on_lost)
        if self._listen:
            try:
                async with asyncio.timeout(TIMEOUT):
                    await connection.add_listener(self._channel, self._on_message)
            except BaseException:
                connection.terminate()
                raise
        self._connection = connection

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.remove_termination_listener(self._on_lost)
            connection.terminate()

    def _on_lost(self, _connection: object) -> None:
        self._something.set()

    def _on_message(self, _connection: object, sender: int, _channel: str, message: object) -> None:
        if self._connection is not None and sender == self._connection.get_server_pid():
            return  # Those who wait here were woken already.
        news = parse(str(message))
        if news.all:
            self._watches.wake_all()
        for partition in news.changed:
            self._watches.wake(partition)
        if news.due:
            self._watches.wake(None)
