"""One database, two processes: a ``Store`` whose operations happen here or in the other process.

::

    with Peer() as peer:
        store = TwoProcessStore(here, await peer.open(path), Random(1))
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Self

from tests.store.peer import receive, send
from understudy_server.errors import StoreError, StoreUnavailable
from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Partition,
    Position,
    Record,
    Store,
    Version,
    Watch,
)

PROGRAM = Path(__file__).with_name("peer.py")


class Peer:
    """The other process. A context manager for synchronous tests and fixtures."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory()  # a socket's path must be short
        self._socket = f"{self._folder.name}/peer"
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, self._socket],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()
        self._folder.cleanup()

    async def open(self, path: Path, *, shared: bool = True) -> RemoteStore:
        """Open the file there. Raises what opening it raises."""
        return await self._open("open", path=path, shared=shared)

    async def open_url(self, url: str) -> RemoteStore:
        """Open what a store URL means there. Raises what opening it raises."""
        return await self._open("open_url", url=url)

    async def _open(self, method: str, **arguments: object) -> RemoteStore:
        store = RemoteStore(*await asyncio.open_unix_connection(self._socket))
        try:
            await store.call(method, **arguments)
        except StoreError:
            await store.disconnect()
            raise
        return store


class RemoteStore:
    """A store in the other process; it does not watch, and this machine's time is its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._closed = False
        self._receiver = asyncio.create_task(self._receive())

    async def call(self, method: str, **arguments: object) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        send(self._writer, (number, method, arguments))
        return await self._waiting[number]

    async def close(self) -> None:
        if self._closed:
            return
        closing = asyncio.create_task(self.call("close"))
        await asyncio.sleep(0)
        self._closed = True
        await closing
        await self.disconnect()

    async def disconnect(self) -> None:
        self._writer.close()
        await self._receiver

    async def _receive(self) -> None:
        try:
            while True:
                number, value = await receive(self._reader)
                waiting = self._waiting.pop(number)
                if waiting.done():
                    continue
                if isinstance(value, Exception):
                    waiting.set_exception(value)
                else:
                    waiting.set_result(value)
        except asyncio.IncompleteReadError:
            for waiting in self._waiting.values():
                waiting.cancel()


class TwoProcessStore:
    """Commits are made there and read here, or each in one of the two; it is watched here."""

    def __init__(self, here: Store, there: RemoteStore, random: Random | None = None) -> None:
        """``random`` chooses a process for each operation; without it commits are made there only."""
        self._here = here
        self._there = there
        self._random = random

    def now(self) -> int:
        return self._here.now()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        if self._random and self._random.random() < 0.5:
            return await self._here.commit(commit)
        versions: tuple[Version | None, ...] = await self._there.call("commit", commit=commit)
        return versions

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        record: Record | None = await self._read(
            "get", partition=partition, kind=kind, id=id, fresh=fresh
        )
        return record

    async def list(
        self,
        partition: Partition,
        kind: str | None,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        page = {"low": low, "high": high, "descending": descending, "limit": limit}
        records: Sequence[Record] = await self._read("list", partition=partition, kind=kind, **page)
        return records

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        records: Sequence[Record] = await self._read("due", now=now, limit=limit)
        return records

    async def directory(
        self,
        project: str,
        kind: str,
        label: str,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        page = {"low": low, "high": high, "descending": descending, "limit": limit}
        records: Sequence[Record] = await self._read(
            "directory", project=project, kind=kind, label=label, **page
        )
        return records

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        entries: Sequence[Entry] = await self._read(
            "read", partition=partition, log=log, after=after, limit=limit
        )
        return entries

    def watch(self, partition: Partition | None) -> Watch:
        return self._here.watch(partition)

    async def ping(self) -> None:
        await asyncio.gather(self._here.ping(), self._there.call("ping"))

    async def close(self) -> None:
        await asyncio.gather(self._here.close(), self._there.close())

    async def _read(self, method: str, **arguments: object) -> Any:
        if self._random and self._random.random() < 0.5:
            return await self._there.call(method, **arguments)
        return await getattr(self._here, method)(**arguments)
