"""What is SQLite's own: the file, its versions, its lock, reopening, and plans without scans."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from tests.conformance.samples import (
    SIBLING,
    THREAD,
    append,
    check,
    commit_of,
    delete,
    drop,
    entry,
    put,
    write,
    write_one,
)
from understudy_server.clock import SystemClock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import LOG_START, Position
from understudy_server.store.sqlite import SqliteStore
from understudy_server.store.sqlite_schema import MIGRATIONS


async def _open(path: Path) -> SqliteStore:
    return await SqliteStore.open(path, SystemClock())


async def test_everything_is_there_again_after_reopening(tmp_path: Path) -> None:
    store = await _open(tmp_path / "store.db")
    version = await write_one(store, put("a", order=4, due=3, labels=("x",)))
    await write(store, append(entry((1, 1), (2, 2))))
    record = await store.get(THREAD, "message", "a")
    await store.close()
    store = await _open(tmp_path / "store.db")
    assert await store.get(THREAD, "message", "a") == record
    assert await store.list(THREAD, "message", limit=9) == [record]
    assert await store.due(3, 9) == [record]
    assert await store.directory("proj_1", "message", "x", limit=9) == [record]
    assert await store.read(THREAD, "run_1", LOG_START, 9) == [entry((1, 1), (2, 2))]
    await write(store, put("a", version), append(entry((2, 3))))
    await store.close()


async def test_versions_do_not_repeat_over_reopening(tmp_path: Path) -> None:
    versions: list[str] = []
    for _ in range(4):
        store = await _open(tmp_path / "store.db")
        version = await write_one(store, put("a"))
        versions += [version, await write_one(store, put("a", version))]
        await write(store, delete("a", versions[-1]))
        await store.close()
    assert len(set(versions)) == len(versions)


async def test_files_and_folders_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "store.db"
    before = os.umask(0)
    try:
        store = await _open(path)
        await write(store, put("a"))
        for folder in (path.parent, path.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        names = {file.name for file in path.parent.iterdir()}
        side = {"store.db-wal", "store.db-shm", "store.db.lock", "store.db.opening"}
        assert names == {"store.db", *side}
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        await store.close()
    finally:
        os.umask(before)


async def test_closing_leaves_one_whole_file(tmp_path: Path) -> None:
    store = await _open(tmp_path / "store.db")
    await write(store, put("a"))
    await store.close()
    assert not (tmp_path / "store.db-wal").exists()
    (tmp_path / "store.db").rename(tmp_path / "copy.db")
    store = await _open(tmp_path / "copy.db")
    assert await store.get(THREAD, "message", "a") is not None
    await store.close()


async def test_a_second_server_is_refused_and_told_why(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await _open(path)
    with pytest.raises(StoreUnavailable) as caught:
        await _open(path)
    assert str(path) in caught.value.message
    assert str(os.getpid()) in caught.value.message
    script = (
        "import asyncio, pathlib, sys\n"
        "from understudy_server.clock import SystemClock\n"
        "from understudy_server.store.sqlite import SqliteStore\n"
        "asyncio.run(SqliteStore.open(pathlib.Path(sys.argv[1]), SystemClock()))\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await other.communicate()
    assert other.returncode != 0
    assert f"{path} is in use by another server" in complaint.decode()
    await write(store, put("a"))
    await store.close()
    store = await _open(path)
    await store.close()


async def test_an_opening_that_is_given_up_leaves_the_file_free(tmp_path: Path) -> None:
    """Given up while its thread is at work, which must be left to finish."""
    path = tmp_path / "store.db"
    for _ in range(20):
        opening = asyncio.create_task(_open(path))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
    async with asyncio.timeout(60):
        while (store := await _open_unless_in_use(path)) is None:
            pass
    await write(store, put("a"))
    await store.close()


async def _open_unless_in_use(path: Path) -> SqliteStore | None:
    try:
        return await _open(path)
    except StoreUnavailable:
        return None


async def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await _open(path)).close()
    newer = len(MIGRATIONS) + 1
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(StoreUnavailable, match=f"format {newer}, written by a newer release"):
        await _open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (newer,)
    connection.close()


@pytest.mark.parametrize("content", ["database", "text", "folder"])
async def test_what_is_not_a_store_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.db"
    if content == "database":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        connection.close()
    elif content == "text":
        path.write_text("not a database " * 100)
    else:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnavailable, match=r"other\.db"):
        await _open(path)
    assert before is None or path.read_bytes() == before


async def test_every_statement_uses_an_index(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await _open(path)
    statements: set[str] = set()
    for connection in (store._writer._connection, store._reads._connection):
        connection.set_trace_callback(statements.add)
    await _do_everything(store)
    await store.close()
    connection = sqlite3.connect(path)
    explained = 0
    for statement in statements:
        if statement.split()[0] not in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            continue
        if "probe" in statement:  # a table of one row
            continue
        explained += 1
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
            assert "SCAN" not in step, (step, statement)
            assert "TEMP B-TREE" not in step, (step, statement)
            assert "AUTOMATIC" not in step, (step, statement)
    connection.close()
    assert explained >= 15


async def _do_everything(store: SqliteStore) -> None:
    """Every operation and every read, in each of its forms."""
    version = await write_one(store, put("a", labels=("x",), due=1))
    version = await write_one(store, put("a", version, labels=("y",), order=2))
    await write(store, check("a", version), append(entry((1, 1))))
    await write(store, delete("a", version), drop())
    await write(store, put("b", labels=("x",)), append(entry((1, 1))), partition=SIBLING)
    for low in (None, Position(1, "a")):
        for high in (None, Position(9, "z")):
            for descending in (False, True):
                for kind in ("message", None):
                    await store.list(
                        SIBLING, kind, low=low, high=high, descending=descending, limit=5
                    )
                await store.directory(
                    "proj_1", "message", "x", low=low, high=high, descending=descending, limit=5
                )
    await store.get(SIBLING, "message", "b")
    await store.due(5, 5)
    await store.read(SIBLING, "run_1", LOG_START, 5)
    await store.ping()


async def test_a_bad_commit_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    store = await _open(tmp_path / "store.db")
    outcomes = await asyncio.gather(
        store.commit(commit_of(put("a"))),
        store.commit(commit_of(put("a", "never given"))),
        store.commit(commit_of(put("\ud800"))),
        store.commit(commit_of(put("b"))),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "tuple",
        "Conflict",
        "UnicodeEncodeError",
        "tuple",
    ]
    await store.close()
