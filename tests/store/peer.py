"""A program under test: opens stores in a process of its own, and does with them what it is told.

    python peer.py SOCKET

Each connection is one store, once it has been told to ``open`` it. Frames are pickles behind their
length: ``(number, method, arguments)``, answered by ``(number, value or exception)``. It ends when its
standard input does.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import struct
import sys
from typing import Any

from understudy_server.clock import SystemClock
from understudy_server.store.opener import open_store
from understudy_server.store.port import Store
from understudy_server.store.sqlite import SqliteStore

_LENGTH = struct.Struct("!I")


def send(writer: asyncio.StreamWriter, frame: object) -> None:
    data = pickle.dumps(frame)
    writer.write(_LENGTH.pack(len(data)) + data)


async def receive(reader: asyncio.StreamReader) -> Any:
    """Raises ``IncompleteReadError`` at the end."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    store: Store | None = None
    tasks: set[asyncio.Task[None]] = set()

    async def do(method: str, arguments: dict[str, Any]) -> object:
        nonlocal store
        if method == "open":
            store = await SqliteStore.open(clock=SystemClock(), **arguments)
            return None
        if method == "open_url":
            store = await open_store(clock=SystemClock(), **arguments)
            return None
        return await getattr(store, method)(**arguments)

    async def answer(number: int, method: str, arguments: dict[str, Any]) -> None:
        try:
            value = await do(method, arguments)
        except Exception as error:  # noqa: BLE001 - the other side raises it
            value = error
        send(writer, (number, value))

    try:
        while True:
            task = asyncio.create_task(answer(*await receive(reader)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    except asyncio.IncompleteReadError:
        if store is not None:
            await store.close()
        writer.close()


async def main(path: str) -> None:
    async with await asyncio.start_unix_server(_serve, path):
        os.write(1, b"ready\n")
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
