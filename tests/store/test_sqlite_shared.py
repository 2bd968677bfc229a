"""One file, two processes: the whole suite, and what only two can do to each other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.conformance.samples import (
    THREAD,
    append,
    check,
    commit_of,
    delete,
    entry,
    put,
    write,
    write_one,
)
from tests.conformance.store import StoreConformance
from tests.store.two_processes import Peer, RemoteStore, TwoProcessStore
from understudy_server.clock import SystemClock
from understudy_server.errors import Conflict, StoreUnavailable
from understudy_server.store.port import LOG_START, Store
from understudy_server.store.sqlite import SqliteStore

ROUNDS = 200


class TestCommitsOfAnotherProcess(StoreConformance):
    """Everything is committed there, and read and watched here."""

    @pytest.fixture
    async def store(self, tmp_path: Path, peer: Peer) -> AsyncIterator[Store]:
        path = tmp_path / "store.db"
        here = await _open(path)
        store = TwoProcessStore(here, await peer.open(path))
        yield store
        await store.close()


class TestOperationsByTurns(StoreConformance):
    """Each operation happens in one of the two, as it comes."""

    @pytest.fixture
    async def store(self, tmp_path: Path, peer: Peer) -> AsyncIterator[Store]:
        path = tmp_path / "store.db"
        here = await _open(path)
        store = TwoProcessStore(here, await peer.open(path), Random(1))
        yield store
        await store.close()


async def _open(path: Path, *, shared: bool = True) -> SqliteStore:
    return await SqliteStore.open(path, SystemClock(), shared=shared)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await _open(tmp_path / "store.db")
    yield store
    await store.close()


@pytest.fixture
async def there(here: SqliteStore, tmp_path: Path, peer: Peer) -> AsyncIterator[RemoteStore]:
    del here  # opened first
    store = await peer.open(tmp_path / "store.db")
    yield store
    await store.close()


async def test_of_two_processes_one_wins_each_time(here: SqliteStore, there: RemoteStore) -> None:
    version: str | None = None
    for round in range(ROUNDS):
        ours, theirs = (commit_of(put("head", version, body=b"%d" % round)) for _ in range(2))
        outcomes = await asyncio.gather(
            here.commit(ours), there.call("commit", commit=theirs), return_exceptions=True
        )
        won, lost = sorted(outcomes, key=lambda outcome: isinstance(outcome, Exception))
        assert isinstance(won, tuple)
        assert isinstance(lost, Conflict)
        record = await here.get(THREAD, "message", "head", fresh=True)
        assert record is not None
        assert record.commit == (ours if outcomes[0] is won else theirs).id
        (version,) = won


async def test_two_processes_lose_nothing_of_each_other(
    here: SqliteStore, there: RemoteStore
) -> None:
    """Both add messages to one thread as fast as they can; the head gives each its place."""
    both = TwoProcessStore(here, there)

    async def add(name: str, *, remote: bool) -> None:
        for number in range(1, ROUNDS + 1):
            while True:
                head = await both.get(THREAD, "head", "", fresh=True)
                order = (head.order if head else 0) + 1
                commit = commit_of(
                    put("", head.version if head else None, kind="head", order=order),
                    put(f"{name}-{number}", order=order),
                    append(entry((1, order), body=name.encode())),
                )
                try:
                    await (both if remote else here).commit(commit)
                except Conflict:
                    continue
                break

    await asyncio.gather(add("here", remote=False), add("there", remote=True))
    for store in (here, TwoProcessStore(here, there, Random(1))):
        messages = await store.list(THREAD, "message", limit=3 * ROUNDS)
        assert [record.order for record in messages] == list(range(1, 2 * ROUNDS + 1))
        for name in ("here", "there"):
            own = [record.id for record in messages if record.id.startswith(name)]
            assert own == [f"{name}-{number}" for number in range(1, ROUNDS + 1)]
        entries = await store.read(THREAD, "run_1", LOG_START, 3 * ROUNDS)
        assert [found.body.decode() for found in entries] == [
            record.id.partition("-")[0] for record in messages
        ]


async def test_what_the_other_process_replaced_is_not_as_expected(
    here: SqliteStore, there: RemoteStore
) -> None:
    version = await write_one(here, put("a"))
    await there.call("commit", commit=commit_of(put("a", version)))
    for operation in (put("a", version), delete("a", version), check("a", version)):
        with pytest.raises(Conflict):
            await write(here, operation)


async def test_what_comes_while_the_other_process_writes_is_one_transaction(
    here: SqliteStore, tmp_path: Path
) -> None:
    statements: list[str] = []
    here._writer._connection.set_trace_callback(statements.append)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(write(here, put("first")))
    async with asyncio.timeout(60):
        while "BEGIN IMMEDIATE" not in statements:  # noqa: ASYNC110 - the writer's thread tells no event
            await asyncio.sleep(0)
    others = [asyncio.create_task(write(here, put(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()
    await asyncio.gather(first, *others)
    assert statements.count("COMMIT") == 1


@pytest.mark.parametrize("held", [False, True], ids=["exclusive there", "shared there"])
@pytest.mark.parametrize("wanted", [False, True], ids=["exclusive here", "shared here"])
async def test_who_may_open_beside_whom(
    tmp_path: Path, peer: Peer, held: bool, wanted: bool
) -> None:
    path = tmp_path / "store.db"
    there = await peer.open(path, shared=held)
    if held and wanted:
        await (await _open(path)).close()
    else:
        with pytest.raises(StoreUnavailable) as caught:
            await _open(path, shared=wanted)
        assert f"{path} is in use by" in caught.value.message
        assert "?shared=true" in caught.value.message
    tool = await SqliteStore.open(path, SystemClock(), locked=False)
    await write(tool, put("a"))
    await tool.close()
    assert await there.call("get", partition=THREAD, kind="message", id="a")
    await there.close()
    await (await _open(path, shared=wanted)).close()


async def test_opening_it_again_lets_go_of_no_lock(
    here: SqliteStore, tmp_path: Path, peer: Peer
) -> None:
    """SQLite's locks are the process's: closing any descriptor of the file would drop them all.

    The other process would then believe itself the last, and remove the log into which we write.
    """
    path = tmp_path / "store.db"
    await write(here, put("first"))
    again = await _open(path)
    await write(again, put("second"))
    there = await peer.open(path)
    await there.call("commit", commit=commit_of(put("third")))
    await there.close()
    await write(here, put("fourth"))
    there = await peer.open(path)
    found = await there.call("list", partition=THREAD, kind="message", limit=9)
    assert {record.id for record in found} == {"first", "second", "third", "fourth"}
    await there.close()
    await again.close()


async def test_the_other_may_leave_and_come_back(
    here: SqliteStore, tmp_path: Path, peer: Peer
) -> None:
    for number in range(5):
        there = await peer.open(tmp_path / "store.db")
        with here.watch(THREAD) as watch:
            await there.call("commit", commit=commit_of(put(f"there-{number}")))
            assert await watch.wait(30)
        await write(here, put(f"here-{number}"))
        await there.close()
    assert len(await here.list(THREAD, "message", limit=99)) == 10
