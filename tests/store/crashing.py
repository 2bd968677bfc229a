"""A program under test: writes without end, and says on its output which commits were acknowledged.

    python crashing.py DATABASE ROUND WRITERS [shared]

Each commit adds one message to a writer's thread: head, message and log entry, or nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from understudy_server.clock import SystemClock
from understudy_server.store.port import Append, Commit, Entry, EventId, Partition, Put
from understudy_server.store.sqlite import SqliteStore


def thread_of(writer: int) -> Partition:
    return Partition("proj_1", f"thread/thread_{writer}")


async def main(path: str, attempt: int, writers: int, *, shared: bool) -> None:
    store = await SqliteStore.open(Path(path), SystemClock(), shared=shared)

    async def write(writer: int) -> None:
        thread = thread_of(writer)
        head = await store.get(thread, "head", "", fresh=True)
        version, order = (head.version, head.order) if head else (None, 0)
        for number in count(1):
            order += 1
            id = f"{writer}.{attempt}.{number}"
            event = EventId(attempt, number)
            labels = (f"round-{attempt}",)
            (version, *_) = await store.commit(
                Commit(
                    id=id,
                    partition=thread,
                    operations=(
                        Put(kind="head", id="", expected=version, order=order, body=b"", due=order),
                        Put(
                            kind="message",
                            id=id,
                            expected=None,
                            order=order,
                            body=id.encode() * 50,
                            labels=labels,
                        ),
                        Append(
                            log="run", entries=(Entry(first=event, last=event, body=id.encode()),)
                        ),
                    ),
                )
            )
            os.write(1, f"{id}\n".encode())

    await asyncio.gather(*(write(writer) for writer in range(writers)))


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), shared="shared" in sys.argv[4:])
    )
