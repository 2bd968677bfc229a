"""The default backend: one SQLite file, one process.

Commits go to a writer thread (``sqlite_writer``); reads are answered on the event loop at once,
from a connection of their own, in microseconds.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from understudy_server.clock import Clock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.file_lock import FileLock
from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Partition,
    Position,
    Record,
    Version,
    Watch,
)
from understudy_server.store.sqlite_commits import SqliteCommits
from understudy_server.store.sqlite_reads import Page, SqliteReads
from understudy_server.store.sqlite_schema import connect, migrate
from understudy_server.store.sqlite_writer import SqliteWriter
from understudy_server.store.validation import validate, validate_limit
from understudy_server.store.watches import Watches


class SqliteStore:
    """A ``Store`` in a file. Use on the event loop on which ``open`` ran."""

    def __init__(
        self,
        *,
        clock: Clock,
        watches: Watches,
        reads: SqliteReads,
        writer: SqliteWriter,
        resources: ExitStack,
    ) -> None:
        """For ``open``. ``resources`` is closed after the last commit."""
        self._clock = clock
        self._watches = watches
        self._reads = reads
        self._writer = writer
        self._resources = resources
        self._closed = False

    @classmethod
    async def open(cls, path: Path, clock: Clock, *, shared: bool = False) -> SqliteStore:
        """Open or create the file (mode 0600; missing folders 0700).

        ``shared``: beside the process that has it open; for tools, since their commits wake nobody there.

        Raises ``StoreUnavailable``, naming the file, when another process has it open, when a newer
        release or another program wrote it, or when it cannot be opened.
        """
        with ExitStack() as resources:
            writing, reading = await asyncio.to_thread(_open_file, path, resources, shared=shared)
            watches = Watches(clock)
            # A random word for each time it is opened, and a number: versions never repeat, not
            # even when an older copy of the file is put back.
            word, numbers = secrets.token_hex(8), count(1)
            commits = SqliteCommits(writing, lambda: f"{word}-{next(numbers)}")
            return cls(
                clock=clock,
                watches=watches,
                reads=SqliteReads(reading),
                writer=SqliteWriter(writing, commits, watches.announce),
                resources=resources.pop_all(),
            )
        raise AssertionError("unreachable: nothing above suppresses exceptions")

    def now(self) -> int:
        return self._clock.wall()

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        del fresh  # every read of this store is
        with self._reading():
            return self._reads.get(partition, kind, id)

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
        validate_limit(limit)
        page = Page(low, high, descending, limit)
        with self._reading():
            if kind is None:
                return self._reads.list_all_kinds(partition, page)
            return self._reads.list(partition, kind, page)

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        validate_limit(limit)
        with self._reading():
            return self._reads.due(now, limit)

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
        validate_limit(limit)
        page = Page(low, high, descending, limit)
        with self._reading():
            return self._reads.directory(project, kind, label, page)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._refuse_if_closed()
        validate(commit)
        return await self._writer.submit(commit)

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        validate_limit(limit)
        with self._reading():
            return self._reads.read(partition, log, after, limit)

    def watch(self, partition: Partition | None) -> Watch:
        self._refuse_if_closed()
        return self._watches.watch(partition)

    async def ping(self) -> None:
        """A real write and a real read: a full disk answers reads and takes no commit."""
        self._refuse_if_closed()
        await self._writer.submit(None)
        with self._reading():
            self._reads.due(0, 1)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._watches.wake_all()
        await self._writer.drain()
        await asyncio.to_thread(self._resources.close)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._refuse_if_closed()
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database did not answer: {error}") from error


def _open_file(
    path: Path, resources: ExitStack, *, shared: bool
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Connections to write and to read, which ``resources`` will close, last the lock."""
    path = path.absolute()
    try:
        _create_folder(path.parent)
        if not shared:
            lock = FileLock(path.with_name(f"{path.name}.lock"), protects=path)
            resources.callback(lock.release)
        # SQLite would create it readable for everyone; its side files inherit the mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        writing = connect(path)
        resources.callback(writing.close)
        migrate(writing, path)
        reading = connect(path)
        resources.callback(reading.close)
        reading.execute("PRAGMA query_only = ON")
        reading.execute("PRAGMA busy_timeout = 50")  # in ms; the event loop waits with it
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
    return writing, reading


def _create_folder(folder: Path) -> None:
    if folder.exists():
        return
    _create_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    # The new name itself must survive a power cut.
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
