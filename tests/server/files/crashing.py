"""A program under test: makes, completes and deletes files without end, and says what was acknowledged.

    python -m tests.server.files.crashing DATABASE FOLDER ROUND

Lines: ``made ID SEED SIZE``, ``deleting ID``, ``deleted ID``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from random import Random

from tests.server.files.world import Core
from understudy_server.blobs.folder import FolderBlobs
from understudy_server.clock import SystemClock
from understudy_server.ids import RandomIds
from understudy_server.store.sqlite import SqliteStore


def content_of(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def main(database: str, folder: str, attempt: int) -> None:
    clock = SystemClock()
    store = await SqliteStore.open(Path(database), clock)
    blobs = await FolderBlobs.open(folder)
    core = Core(store, blobs, clock, RandomIds(), limit=10_000_000, downloads=True)

    async def live(writer: int) -> None:
        random = Random(f"{attempt}.{writer}")
        mine: list[str] = []
        while True:
            seed, size = random.randrange(2**32), random.choice([10, 3_000, 400_000])
            content = content_of(seed, size)
            if random.random() < 0.5:
                id = (await core.create(content)).id
            else:
                upload = await core.upload(size)
                cut = size // 2
                parts = await asyncio.gather(
                    core.add(upload.id, content[:cut]), core.add(upload.id, content[cut:])
                )
                await core.add(upload.id, b"unused")
                id = (await core.complete(upload.id, parts)).file.id
            say(f"made {id} {seed} {size}")
            mine.append(id)
            if random.random() < 0.4:
                id = mine.pop(random.randrange(len(mine)))
                say(f"deleting {id}")
                await core.delete(id)
                say(f"deleted {id}")

    async def attend() -> None:
        while True:
            await core.attend()
            await asyncio.sleep(0.05)

    say("ready")
    await asyncio.gather(attend(), *(live(writer) for writer in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
