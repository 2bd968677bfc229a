"""Requests, connections and deadlines, with connections that do what a test says."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from understudy_server.errors import OutcomeUnknown, StoreUnavailable, Unsent
from understudy_server.store.postgres.pool import Pool, meaning


class Wire:
    """A server's connections: each answers ``[[query]]`` once it may."""

    def __init__(self) -> None:
        self.made = 0
        self.open = 0
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.refusals: list[Exception] = []
        self.failures: list[Exception] = []

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        self.made += 1
        self.open += 1
        return Connection(self)


class Connection:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._closed = False

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]:
        self._wire.asked.append(query)
        self._wire.was_asked.set()
        await self._wire.go.wait()
        if self._wire.failures:
            raise self._wire.failures.pop(0)
        return [[query]]

    def is_closed(self) -> bool:
        return self._closed

    async def close(self) -> None:
        self.terminate()

    def terminate(self) -> None:
        if not self._closed:
            self._closed = True
            self._wire.open -= 1


async def test_as_many_connections_as_are_needed_and_allowed() -> None:
    wire = Wire()
    pool = Pool(wire.connect, size=3, timeout=60)
    for n in range(5):
        assert await pool.ask(str(n)) == [[str(n)]]
    assert wire.made == 1
    answers = await asyncio.gather(*(pool.ask(str(n)) for n in range(20)))
    assert answers == [[[str(n)]] for n in range(20)]
    assert wire.made == 3
    await pool.close()
    assert wire.open == 0


async def test_first_come_first_served() -> None:
    wire = Wire()
    pool = Pool(wire.connect, size=1, timeout=60)
    await asyncio.gather(*(pool.ask(str(n)) for n in range(9)))
    assert wire.asked == [str(n) for n in range(9)]
    await pool.close()


async def test_who_waits_too_long_for_a_connection() -> None:
    wire = Wire()
    wire.go.clear()
    pool = Pool(wire.connect, size=1, timeout=60)
    held = asyncio.create_task(pool.ask("held"))
    await wire.was_asked.wait()
    pool._timeout = 0.01
    with pytest.raises(Unsent, match="all 1 connections"):
        await pool.ask("late")
    wire.go.set()
    assert await held == [["held"]]
    assert wire.asked == ["held"]
    await pool.close()


async def test_an_answer_that_takes_too_long_costs_the_connection() -> None:
    wire = Wire()
    wire.go.clear()
    pool = Pool(wire.connect, size=1, timeout=0.01)
    with pytest.raises(OutcomeUnknown):
        await pool.ask("slow")
    assert wire.open == 0
    wire.go.set()
    pool._timeout = 60
    assert await pool.ask("again") == [["again"]]
    assert wire.made == 2
    await pool.close()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no"),
        TimeoutError("no"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.InterfaceError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_connection_that_cannot_be_made(error: Exception) -> None:
    wire = Wire()
    wire.refusals.append(error)
    pool = Pool(wire.connect, size=1, timeout=60)
    with pytest.raises(Unsent):
        await pool.ask("a")
    assert await pool.ask("b") == [["b"]]
    assert wire.asked == ["b"]
    await pool.close()


async def test_a_connection_that_is_lost_under_way() -> None:
    wire = Wire()
    wire.failures += [ConnectionResetError("gone"), RuntimeError("nobody knows")]
    pool = Pool(wire.connect, size=1, timeout=60)
    with pytest.raises(OutcomeUnknown):
        await pool.ask("a")
    with pytest.raises(RuntimeError):
        await pool.ask("b")
    assert await pool.ask("c") == [["c"]]
    await pool.close()


async def test_after_a_refused_write_every_connection_is_made_anew() -> None:
    wire = Wire()
    pool = Pool(wire.connect, size=2, timeout=60)
    await asyncio.gather(pool.ask("a"), pool.ask("b"))
    assert (wire.made, wire.open) == (2, 2)
    wire.failures.append(asyncpg.ReadOnlySQLTransactionError("a standby"))
    with pytest.raises(StoreUnavailable):
        await pool.ask("c")
    await asyncio.gather(pool.ask("d"), pool.ask("e"))
    assert (wire.made, wire.open) == (4, 2)
    await pool.close()


async def test_who_gives_up_changes_nothing_for_the_others() -> None:
    wire = Wire()
    wire.go.clear()
    pool = Pool(wire.connect, size=1, timeout=60)
    tasks = [asyncio.create_task(pool.ask(str(n))) for n in range(5)]
    await wire.was_asked.wait()
    for task in tasks[:3]:
        task.cancel()
    wire.go.set()
    assert await asyncio.gather(*tasks[3:]) == [[["3"]], [["4"]]]
    assert wire.asked == ["0", "1", "2", "3", "4"]
    assert wire.made == 1
    await pool.close()


async def test_a_failure_that_nobody_waits_for_is_no_news() -> None:
    wire = Wire()
    wire.failures.append(OSError("cut"))
    news: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: news.append(context))
    pool = Pool(wire.connect, size=1, timeout=60)
    asking = asyncio.create_task(pool.ask("a"))
    wire.go.clear()
    await wire.was_asked.wait()
    asking.cancel()
    await asyncio.wait([asking])
    wire.go.set()
    await pool.close()
    gc.collect()
    assert news == []


async def test_closing_waits_for_what_was_asked() -> None:
    wire = Wire()
    pool = Pool(wire.connect, size=2, timeout=60)
    await asyncio.gather(pool.ask("a"), pool.ask("b"))
    asked = [pool.start(str(n)) for n in range(9)]
    await pool.close()
    assert [(await answer)[0][0] for answer in asked] == [str(n) for n in range(9)]
    assert wire.open == 0


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (asyncpg.UniqueViolationError("x"), True),
        (asyncpg.QueryCanceledError("statement timeout"), True),
        (asyncpg.DeadlockDetectedError("x"), True),
        (asyncpg.DiskFullError("x"), True),
        (asyncpg.InsufficientPrivilegeError("x"), True),
        (asyncpg.ConnectionDoesNotExistError("cut"), False),
        (asyncpg.AdminShutdownError("x"), False),
        (asyncpg.CrashShutdownError("x"), False),
        (asyncpg.InternalServerError("x"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_error_says_of_the_outcome(error: asyncpg.PostgresError, known: bool) -> None:
    assert isinstance(meaning(error), StoreUnavailable if known else OutcomeUnknown)
