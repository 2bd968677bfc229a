"""Wake-ups by what another store of the same file commits, under a fake clock."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.clock import FakeClock
from tests.conformance.samples import SIBLING, THREAD, append, commit_of, entry, put, write
from understudy_server.clock import SystemClock
from understudy_server.store import sqlite_changes
from understudy_server.store.sqlite import SqliteStore
from understudy_server.store.sqlite_changes import LONG_PAUSE, PAUSE, QUIET, RETRY


class Pair:
    """``here`` looks for changes when ``clock`` advances; ``there`` is another store of the same file."""

    def __init__(self, path: Path, clock: FakeClock, here: SqliteStore, there: SqliteStore) -> None:
        self.path, self.clock, self.here, self.there = path, clock, here, there

    async def look(self) -> None:
        await self.clock.advance(LONG_PAUSE)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    path, clock = tmp_path / "store.db", FakeClock()
    here = await SqliteStore.open(path, clock, shared=True)
    there = await SqliteStore.open(path, FakeClock(), shared=True)
    yield Pair(path, clock, here, there)
    await there.close()
    await here.close()


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT number, project, partition, due FROM changes ORDER BY number"
        ).fetchall()


async def test_only_what_changed_wakes(pair: Pair) -> None:
    here = pair.here
    with here.watch(THREAD) as thread, here.watch(SIBLING) as sibling, here.watch(None) as due:
        await write(pair.there, append(entry((1, 1))))
        assert not await thread.wait(0)
        await pair.look()
        assert await thread.wait(0)
        assert not await sibling.wait(0)
        assert not await due.wait(0)
        await write(pair.there, put("a", due=1), partition=SIBLING)
        await pair.look()
        assert not await thread.wait(0)
        assert await sibling.wait(0)
        assert await due.wait(0)


async def test_what_was_committed_before_it_opened_wakes_nobody(pair: Pair) -> None:
    await write(pair.there, put("a", due=1))
    clock = FakeClock()
    later = await SqliteStore.open(pair.path, clock, shared=True)
    with later.watch(THREAD) as thread, later.watch(None) as due:
        await clock.advance(LONG_PAUSE)
        assert not await thread.wait(0)
        assert not await due.wait(0)
    await later.close()


async def test_its_own_commits_wake_once(pair: Pair) -> None:
    with pair.here.watch(THREAD) as watch:
        await write(pair.here, put("a"))
        assert await watch.wait(0)
        await pair.look()
        assert not await watch.wait(0)
        await write(pair.there, put("b"))
        await pair.look()
        assert await watch.wait(0)


async def test_a_conflict_wakes_nobody(pair: Pair) -> None:
    outcomes = await asyncio.gather(
        pair.there.commit(commit_of(put("a", "never given"), partition=SIBLING)),
        pair.there.commit(commit_of(put("a"))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], Exception)
    assert _rows(pair.path) == [(1, *THREAD, 0)]


async def test_what_was_removed_unseen_wakes_everybody(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_changes, "KEPT", 6)
    monkeypatch.setattr(sqlite_changes, "TRIM", 4)
    here = pair.here
    with here.watch(THREAD) as thread, here.watch(None) as due:
        for number in range(6):
            await write(pair.there, put(str(number)), partition=SIBLING)
        await pair.look()
        assert not await thread.wait(0)
        for number in range(6, 40):
            await write(pair.there, put(str(number)), partition=SIBLING)
        assert [row[0] for row in _rows(pair.path)] == list(range(35, 41))
        await pair.look()
        assert await thread.wait(0)
        assert await due.wait(0)
        await write(pair.there, put("last"), partition=SIBLING)
        await pair.look()
        assert not await thread.wait(0)


async def test_a_look_that_fails_is_logged_and_repeated(pair: Pair) -> None:
    await write(pair.there, put("a"))
    with closing(sqlite3.connect(pair.path, isolation_level=None)) as other:
        other.execute("ALTER TABLE changes RENAME TO hidden")
        with pair.here.watch(THREAD) as watch:
            with capture_logs() as logs:
                await pair.look()
            assert not await watch.wait(0)
            assert [(log["event"], log["log_level"]) for log in logs] == [
                ("store_changes_unseen", "warning")
            ]
            assert "changes" in logs[0]["error"]
            other.execute("ALTER TABLE hidden RENAME TO changes")
            await pair.clock.advance(RETRY + LONG_PAUSE)
            assert await watch.wait(0)


async def test_it_looks_less_often_while_nothing_happens(pair: Pair) -> None:
    looks: list[str] = []
    pair.here._reads._connection.set_trace_callback(looks.append)
    await pair.clock.advance((QUIET + 0.5) * PAUSE)
    assert len(looks) == QUIET
    await pair.clock.advance(10 * LONG_PAUSE)
    assert len(looks) == QUIET + 10
    await write(pair.there, put("a"))
    await pair.look()
    await pair.clock.advance(10 * PAUSE)
    assert len(looks) >= QUIET + 20


async def test_closing_ends_the_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    store = await SqliteStore.open(tmp_path / "store.db", SystemClock(), shared=True)
    assert asyncio.all_tasks() > before
    await store.close()
    assert asyncio.all_tasks() == before


async def test_a_store_that_is_not_shared_keeps_no_account(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    store = await SqliteStore.open(tmp_path / "store.db", SystemClock())
    assert asyncio.all_tasks() == before
    await write(store, put("a", due=1))
    await store.close()
    assert _rows(tmp_path / "store.db") == []
