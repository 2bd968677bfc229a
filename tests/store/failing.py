"""A program under test: commits while the disk fails, and tells what each attempt came to, as JSON.

python failing.py DATABASE CALL SUFFIX ERRNO
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from understudy_server.clock import SystemClock
from understudy_server.errors import StoreError
from understudy_server.store.port import Commit, Partition, Put
from understudy_server.store.sqlite import SqliteStore

THREAD = Partition("proj_1", "thread/thread_1")


async def main(path: str, fault: str) -> None:
    store = await SqliteStore.open(Path(path), SystemClock())
    switch = Path(os.environ["SYSCALLS_FAULT"])

    async def attempt(id: str) -> str:
        record = Put(kind="message", id=id, expected=None, order=1, body=b"x" * 5000)
        try:
            await store.commit(Commit(id=id, partition=THREAD, operations=(record,)))
        except StoreError as error:
            return type(error).__name__
        return "ok"

    async def ping() -> str:
        try:
            await store.ping()
        except StoreError as error:
            return type(error).__name__
        return "ok"

    before = await attempt("before")
    await asyncio.to_thread(switch.write_text, fault)
    during = await asyncio.gather(*(attempt(f"during-{number}") for number in range(5)))
    pinged = await ping()
    seen = [record.id for record in await store.list(THREAD, "message", limit=9)]
    await asyncio.to_thread(switch.unlink)
    repeated = await asyncio.gather(*(attempt(f"during-{number}") for number in range(5)))
    answer = {
        "before": before,
        "during": sorted(set(during)),
        "pinged": pinged,
        "seen": seen,
        "repeated": sorted(set(repeated)),
        "after": await ping(),
    }
    await store.close()
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], " ".join(sys.argv[2:])))
