"""The default backend: one SQLite file, for one process or for several on one machine.

Commits go to a writer thread (``sqlite_writer``); reads are answered on the event loop at once,
from a connection of their own, in microseconds. What another process commits is noticed by a task
that looks for it (``sqlite_changes``).
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from understudy_server.clock import Clock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import (
    Commit,
    Entry,
    EventId,
    Log,
    Partition,
    Portion,
    Position,
    Record,
    Stored,
    Version,
    Watch,
)
from understudy_server.store.sqlite_changes import ChangePoller, ChangeRecorder
from understudy_server.store.sqlite_commits import SqliteCommits
from understudy_server.store.sqlite_file import open_file
from understudy_server.store.sqlite_reads import Page, SqliteReads
from understudy_server.store.sqlite_scans import SqliteScans
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
        scans: SqliteScans,
        writer: SqliteWriter,
        poller: asyncio.Task[None] | None,
        resources: ExitStack,
    ) -> None:
        """For ``open``. ``resources`` is closed after the last commit."""
        self._clock = clock
        self._watches = watches
        self._reads = reads
        self._scans = scans
        self._writer = writer
        self._poller = poller
        self._resources = resources
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, clock: Clock, *, shared: bool = False, locked: bool = True
    ) -> SqliteStore:
        """Open or create the file (mode 0600; missing folders 0700).

        ``shared``: other processes that say the same may use it too; each is woken by what the others
        commit. ``locked=False``: for a tool beside the servers, whether they share the file or not.

        Raises ``StoreUnavailable``, naming the file, when another process has it open and not both
        share it, when a newer release or another program wrote it, or when it cannot be opened.
        """
        writing, reading, resources = await open_file(path, shared=shared, locked=locked)
        with resources as closing:
            watches = Watches(clock)
            # A random word for each time it is opened, and a number: versions never repeat, not
            # even when an older copy of the file is put back.
            word, numbers = secrets.token_hex(8), count(1)
            commits = SqliteCommits(writing, lambda: f"{word}-{next(numbers)}")
            record, poller = None, None
            if shared:
                record = ChangeRecorder(writing, origin=word).record
                try:
                    changes = ChangePoller(reading, watches, clock, origin=word)
                except sqlite3.Error as error:
                    raise StoreUnavailable(f"{path} cannot be read: {error}") from error
                poller = asyncio.create_task(changes.run(), name="sqlite-changes")
            return cls(
                clock=clock,
                watches=watches,
                reads=SqliteReads(reading),
                scans=SqliteScans(reading),
                writer=SqliteWriter(writing, commits, watches.announce, record),
                poller=poller,
                resources=closing.pop_all(),
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

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        validate_limit(limit)
        with self._reading():
            return self._scans.partitions(cursor, limit)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        validate_limit(limit)
        with self._reading():
            return self._scans.logs(cursor, limit)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        validate_limit(limit)
        with self._reading():
            return self._scans.records(partition, cursor, limit)

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
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait({self._poller})
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
