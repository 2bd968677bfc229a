"""Killed without warning under load, again and again: what was acknowledged is there, and whole."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest

from tests.conformance.samples import put, write
from tests.store.crashing import thread_of
from understudy_server.clock import SystemClock
from understudy_server.store.port import LOG_START, Partition
from understudy_server.store.sqlite import SqliteStore

PROGRAM = Path(__file__).with_name("crashing.py")
ROUNDS = 4
WRITERS = 12
ENOUGH = 1_000_000
OWN = Partition("proj_1", "assistants")


async def _run_and_kill(path: Path, attempt: int, lines: int, *options: str) -> set[str]:
    """The ids that the program had acknowledged when it died, after about so many of them."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        path,
        str(attempt),
        str(WRITERS),
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    acknowledged = [await program.stdout.readline() for _ in range(lines)]
    program.kill()
    rest = await program.stdout.read()
    assert await program.wait() == -9
    acknowledged += rest.splitlines(keepends=True)
    return {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}


async def _check(path: Path, acknowledged: set[str]) -> None:
    store = await SqliteStore.open(path, SystemClock())
    await _check_store(store, acknowledged)
    await store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def _check_store(store: SqliteStore, acknowledged: set[str]) -> None:
    found: set[str] = set()
    heads = []
    for writer in range(WRITERS):
        thread = thread_of(writer)
        head = await store.get(thread, "head", "", fresh=True)
        messages = await store.list(thread, "message", limit=ENOUGH)
        entries = await store.read(thread, "run", LOG_START, ENOUGH)
        ids = [record.id for record in messages]
        assert [record.order for record in messages] == list(range(1, len(messages) + 1))
        assert [entry.body.decode() for entry in entries] == ids
        assert (head.order if head else 0) == len(messages)
        assert not messages or (head and head.commit == messages[-1].commit == ids[-1])
        heads += [head] if head else []
        found.update(ids)
    assert acknowledged <= found
    assert sorted(record.partition for record in await store.due(ENOUGH, ENOUGH)) == sorted(
        head.partition for head in heads
    )
    listed: set[str] = set()
    for attempt in range(1, ROUNDS + 1):
        label = f"round-{attempt}"
        records = await store.directory("proj_1", "message", label, limit=ENOUGH)
        listed |= {record.id for record in records}
    assert listed == found


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_at_random(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    path = tmp_path / "store.db"
    acknowledged: set[str] = set()
    for attempt in range(1, ROUNDS + 1):
        acknowledged |= await _run_and_kill(path, attempt, random.randrange(1, 800))
        await _check(path, acknowledged)
    assert len(acknowledged) >= ROUNDS


async def test_the_other_process_is_killed_and_this_one_goes_on(tmp_path: Path) -> None:
    random = Random(3)
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path, SystemClock(), shared=True)
    own: list[str] = []

    async def write_on() -> None:
        for number in range(ENOUGH):
            await write(store, put(f"own-{number}"), partition=OWN)
            own.append(f"own-{number}")

    writing = asyncio.create_task(write_on())
    acknowledged: set[str] = set()
    for attempt in range(1, ROUNDS + 1):
        lines = random.randrange(1, 800)
        acknowledged |= await _run_and_kill(path, attempt, lines, "shared")
        await _check_store(store, acknowledged)
        assert not writing.done()
    writing.cancel()
    await asyncio.wait({writing})
    await store.ping()
    found = {record.id for record in await store.list(OWN, "message", limit=ENOUGH)}
    assert own
    assert set(own) <= found
    assert len(found) <= len(own) + 1  # the last one, perhaps, before it could say so
    await store.close()
    await _check(path, acknowledged)
