"""Files of earlier formats, and files that several processes make at the same time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.samples import THREAD, put, write
from tests.store.two_processes import Peer
from understudy_server.clock import SystemClock
from understudy_server.store.sqlite import SqliteStore
from understudy_server.store.sqlite_schema import APPLICATION_ID, MIGRATIONS


def _make_file(path: Path, version: int) -> None:
    """A file as the release with that format left it, with one record."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute(
            "INSERT INTO records (project, partition, kind, id, position, version, commit_id, labels, body)"
            "VALUES (?, ?, 'message', 'old', 1, 'v', 'c', '[]', x'00')",
            THREAD,
        )


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
async def test_an_older_file_opens(tmp_path: Path, version: int, shared: bool) -> None:
    path = tmp_path / "store.db"
    _make_file(path, version)
    store = await SqliteStore.open(path, SystemClock(), shared=shared)
    await write(store, put("old", "v"), put("new"))
    assert len(await store.list(THREAD, "message", limit=9)) == 2
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
async def test_several_processes_open_it_at_the_same_time(
    tmp_path: Path, peer: Peer, version: int
) -> None:
    for attempt in range(8):
        path = tmp_path / f"{attempt}.db"
        if version:
            _make_file(path, version)
        remotes = [peer.open(path) for _ in range(3)]
        locals_ = [SqliteStore.open(path, SystemClock(), shared=True) for _ in range(3)]
        there, here = await asyncio.gather(asyncio.gather(*remotes), asyncio.gather(*locals_))
        for number, store in enumerate(here):
            await write(store, put(str(number)))
        for remote in there:
            found = await remote.call("list", partition=THREAD, kind="message", limit=9)
            assert len(found) == len(here) + bool(version)
        await asyncio.gather(*(store.close() for store in here))
        await asyncio.gather(*(remote.close() for remote in there))
