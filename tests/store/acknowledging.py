"""A program under test: commits, and marks in the system call log each commit that was acknowledged.

python acknowledging.py DATABASE COMMITS WRITERS
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from understudy_server.clock import SystemClock
from understudy_server.store.port import Commit, Partition, Put
from understudy_server.store.sqlite import SqliteStore


async def main(path: str, commits: int, writers: int) -> None:
    log = os.open(os.environ["SYSCALLS_LOG"], os.O_WRONLY | os.O_APPEND)

    def mark(text: str) -> None:
        os.write(log, f"mark 0 0 0 {text}\n".encode())

    store = await SqliteStore.open(Path(path), SystemClock())
    mark("opened")

    async def write(writer: int) -> None:
        for number in range(writer, commits, writers):
            token = f"token-{number:06}-"
            record = Put(
                kind="message", id=token, expected=None, order=number, body=token.encode() * 20
            )
            partition = Partition("proj_1", f"thread/thread_{writer}")
            await store.commit(Commit(id=token, partition=partition, operations=(record,)))
            mark(token)

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    mark("written")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
