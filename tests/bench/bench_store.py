"""What the SQLite store costs: ``python -m tests.bench.bench_store``.

Prints rates and, more telling than they are on any one machine, ratios: many writers against one,
a large store against a small one. Takes about half a minute, in a temporary folder (choose its disk
with ``TMPDIR``).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from understudy_server.clock import SystemClock
from understudy_server.store.port import (
    LOG_START,
    Append,
    Commit,
    Entry,
    EventId,
    Partition,
    Position,
    Put,
    Store,
)
from understudy_server.store.sqlite import SqliteStore

BODY = b"x" * 300
SMALL, LARGE = 10, 100_000
WRITERS = 50


def _say(what: str, value: float, unit: str) -> None:
    sys.stdout.write(f"{what:<52}{value:>12,.1f} {unit}\n")


def _message(thread: Partition, number: int) -> Commit:
    id = f"msg_{number:08}"
    labels = ("all",)
    put = Put(kind="message", id=id, expected=None, order=number, body=BODY, labels=labels)
    return Commit(id=f"commit_{thread.name}_{number}", partition=thread, operations=(put,))


async def _commits_per_second(store: Store, writers: int, commits: int) -> float:
    async def write(writer: int) -> None:
        thread = Partition(f"proj_{writers}", f"thread/{writer}")
        for number in range(commits // writers):
            await store.commit(_message(thread, number))

    begin = perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return commits / (perf_counter() - begin)


async def _fill(store: Store, thread: Partition, records: int) -> None:
    for start in range(0, records, 1000):
        numbers = range(start, min(start + 1000, records))
        await asyncio.gather(*(store.commit(_message(thread, number)) for number in numbers))
    events = tuple(Entry(first=EventId(1, n), last=EventId(1, n), body=BODY) for n in range(1, 101))
    append = Append(log="run", entries=events)
    await store.commit(Commit(id="log", partition=thread, operations=(append,)))


async def _microseconds(read: Callable[[], Awaitable[object]], times: int = 300) -> float:
    """The median of single calls."""
    durations = []
    for _ in range(times):
        begin = perf_counter()
        await read()
        durations.append(perf_counter() - begin)
    return median(durations) * 1e6


async def _reads(store: Store, thread: Partition, records: int) -> dict[str, float]:
    middle = f"msg_{records // 2:08}"
    cursor = Position(records // 2, middle)
    return {
        "get": await _microseconds(lambda: store.get(thread, "message", middle)),
        "list the last 20": await _microseconds(
            lambda: store.list(thread, "message", descending=True, limit=20)
        ),
        "list from the middle": await _microseconds(
            lambda: store.list(thread, "message", low=cursor, limit=20)
        ),
        "directory, 20": await _microseconds(
            lambda: store.directory(thread.project, "message", "all", limit=20)
        ),
        "read 100 log entries": await _microseconds(
            lambda: store.read(thread, "run", LOG_START, 100)
        ),
        "nothing due": await _microseconds(lambda: store.due(10**15, 10)),
        "add a message (durable)": await _microseconds(lambda: _add(store, thread)),
    }


_added = iter(range(10**9, 10**10))


async def _add(store: Store, thread: Partition) -> None:
    await store.commit(_message(thread, next(_added)))


async def main() -> None:
    with TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "rates.db", SystemClock())
        one = await _commits_per_second(store, 1, 2000)
        many = await _commits_per_second(store, WRITERS, 20_000)
        await store.close()
        _say("durable commits, one writer", one, "/s")
        _say(f"durable commits, {WRITERS} writers", many, "/s")
        _say("ratio", many / one, "times")
        results = []
        for records in (SMALL, LARGE):
            thread = Partition("proj_1", "thread/thread_1")
            store = await SqliteStore.open(Path(folder) / f"{records}.db", SystemClock())
            await _fill(store, thread, records)
            results.append(await _reads(store, thread, records))
            await store.close()
        for what, small in results[0].items():
            large = results[1][what]
            _say(f"{what}: {SMALL} records", small, "us")
            _say(f"{what}: {LARGE:,} records", large, "us")
            _say("ratio", large / small, "times")


if __name__ == "__main__":
    asyncio.run(main())
