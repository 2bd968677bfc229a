"""A disk that is full or broken: everybody is told the truth, and it goes on when the disk does."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
from pathlib import Path

import pytest

from tests.conformance.samples import THREAD, put, write
from tests.store.syscalls import compile_recorder, run_recorded
from understudy_server.clock import SystemClock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.sqlite import SqliteStore

PROGRAM = Path(__file__).with_name("failing.py")


@pytest.mark.parametrize(
    ("call", "number", "told"),
    [
        ("pwrite", errno.ENOSPC, "StoreUnavailable"),
        # After these the transaction may stand in the log: a crash at once could revive it.
        ("pwrite", errno.EIO, "OutcomeUnknown"),
        ("fsync", errno.EIO, "OutcomeUnknown"),
    ],
    ids=["disk full", "write error", "sync error"],
)
async def test_a_failing_disk(tmp_path: Path, call: str, number: int, told: str) -> None:
    library = compile_recorder(tmp_path)
    path = tmp_path / "store.db"
    output, _ = run_recorded(
        library,
        PROGRAM,
        str(path),
        call,
        "-wal",
        str(number),
        log=tmp_path / "calls.log",
        fault=tmp_path / "fault",
    )
    assert json.loads(output) == {
        "before": "ok",
        "during": [told],
        "pinged": told,
        "seen": ["before"],
        "repeated": ["ok"],
        "after": "ok",
    }
    store = await SqliteStore.open(path, SystemClock())
    assert len(await store.list(THREAD, "message", limit=99)) == 6
    await store.close()


async def test_one_transaction_that_fails_is_undone_whole(tmp_path: Path) -> None:
    """A trigger stands in for any error in the middle of a group of commits."""
    store = await SqliteStore.open(tmp_path / "store.db", SystemClock())
    connection = store._writer._connection
    connection.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON records WHEN NEW.id = 'bad' "
        "BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    outcomes = await asyncio.gather(
        *(write(store, put(id)) for id in ("a", "b", "bad", "c")), return_exceptions=True
    )
    stored = {record.id for record in await store.list(THREAD, "message", limit=9)}
    told = {
        id
        for id, outcome in zip(("a", "b", "bad", "c"), outcomes, strict=True)
        if isinstance(outcome, tuple)
    }
    assert stored == told
    assert isinstance(outcomes[2], StoreUnavailable)
    assert "broken" in outcomes[2].message
    await write(store, put("later"))
    await store.close()


async def test_a_database_locked_by_another_program(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path, SystemClock())
    store._writer._tries = 3
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        await write(store, put("a"))
    with pytest.raises(StoreUnavailable):
        await store.ping()
    other.execute("ROLLBACK")
    other.close()
    await write(store, put("a"))
    await store.ping()
    await store.close()
