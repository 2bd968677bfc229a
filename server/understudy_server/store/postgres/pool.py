"""A few connections for many requests. Each has its deadline, and an answer that says what became of it.

A connection serves one request at a time, in the order in which they came. A caller that gives up waiting changes
nothing for the others, nor for what was sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from understudy_server.errors import OutcomeUnknown, StoreError, StoreUnavailable, Unsent
from understudy_server.store.postgres.connecting import Asking

Rows: TypeAlias = Sequence[Any]
"""Each a sequence of columns."""


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    query: str
    arguments: Sequence[object]
    answer: asyncio.Future[Rows]


class Pool:
    """Connections are made when they are needed, and again when they were lost."""

    def __init__(
        self, connect: Callable[[], Awaitable[Asking]], *, size: int, timeout: float
    ) -> None:
        """``timeout``: seconds to wait for a free connection, to make one, and for an answer: each."""
        self._connect = connect
        self._size = size
        self._timeout = timeout
        self._waiting: deque[_Request] = deque()
        self._idle: list[asyncio.Future[_Request | None]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._closing = False
        self._generation = 0
        """Connections of an earlier one may lead to a server that takes no writes any more."""

    async def ask(self, query: str, *arguments: object) -> Rows:
        """The rows. Raises ``Unsent``, ``OutcomeUnknown``, or ``StoreUnavailable`` when it was refused."""
        return await asyncio.shield(self.start(query, *arguments))

    def start(self, query: str, *arguments: object) -> asyncio.Future[Rows]:
        """The answer that ``ask`` waits for. It comes, whoever waits for it; do not cancel it."""
        loop = asyncio.get_running_loop()
        request = _Request(query, arguments, loop.create_future())
        # Whoever asked may be gone when it fails, which is nobody's mistake.
        request.answer.add_done_callback(asyncio.Future.exception)
        if not self._hand_over(request):
            self._waiting.append(request)
            timer = loop.call_later(self._timeout, self._give_up, request)
            request.answer.add_done_callback(lambda _: timer.cancel())
        return request.answer

    async def close(self) -> None:
        """Return when everything asked for so far has its answer and every connection is closed."""
        self._closing = True
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        while self._workers:
            await asyncio.wait(self._workers)

    def _hand_over(self, request: _Request) -> bool:
        while self._idle:
            # The one that came last is the one whose server is warmest.
            idle = self._idle.pop()
            if not idle.done():
                idle.set_result(request)
                return True
        if len(self._workers) == self._size:
            return False
        worker = asyncio.create_task(self._work(request))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        return True

    def _give_up(self, request: _Request) -> None:
        if request in self._waiting:
            self._waiting.remove(request)
            busy = f"all {self._size} connections to PostgreSQL are busy"
            request.answer.set_exception(Unsent(busy))

    async def _work(self, first: _Request) -> None:
        connection: Asking | None = None
        generation = self._generation
        request: _Request | None = first
        while request is not None:
            if connection is not None and generation != self._generation:
                connection.terminate()
            try:
                if connection is None or connection.is_closed():
                    generation = self._generation
                    connection = await self._open()
                rows = await self._exchange(connection, request)
            except Exception as error:  # noqa: BLE001 - whoever asked raises it
                request.answer.set_exception(error)
            else:
                request.answer.set_result(rows)
            request = await self._next()
        if connection is not None:
            await _end(connection)

    async def _next(self) -> _Request | None:
        if self._waiting:
            return self._waiting.popleft()
        if self._closing:
            return None
        idle: asyncio.Future[_Request | None] = asyncio.get_running_loop().create_future()
        self._idle.append(idle)
        return await idle

    async def _open(self) -> Asking:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._connect()
        except TimeoutError as error:
            raise Unsent("PostgreSQL cannot be reached in time") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unsent(f"PostgreSQL cannot be reached: {error}") from error

    async def _exchange(self, connection: Asking, request: _Request) -> Rows:
        try:
            async with asyncio.timeout(self._timeout):
                return await connection.fetch(request.query, *request.arguments)
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                # Perhaps after a failover, and this is a standby now: the others lead there too.
                self._generation += 1
            raise meaning(error) from error
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # A timeout is one of these. Nobody knows in which state the connection is.
            connection.terminate()
            raise OutcomeUnknown(f"PostgreSQL did not answer: {error!r}") from error


def meaning(error: asyncpg.PostgresError) -> StoreError:
    """Pure. A server that reports an error has rolled the transaction back, unless the connection is what failed."""
    state = error.sqlstate or ""
    if state.startswith(("08", "57P", "XX")) or not state:
        return OutcomeUnknown(f"PostgreSQL did not answer: {error}")
    return StoreUnavailable(f"PostgreSQL refused: {error}")


async def _end(connection: Asking) -> None:
    try:
        async with asyncio.timeout(1):
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
