"""The one thread that writes: everything that waits is committed in one transaction.

Reaching the disk costs about the same for one commit as for a hundred. While the thread waits for
the disk, further commits queue up; the next transaction takes them all.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.port import Commit, Version
from understudy_server.store.sqlite_commits import SqliteCommits

Versions: TypeAlias = tuple[Version | None, ...]
_Waiting: TypeAlias = tuple[Commit | None, asyncio.Future[Versions]]
"""A commit, or None for a probe, and who waits for its outcome."""
_Outcome: TypeAlias = Versions | Exception

_GROUP = 500
"""Commits in one transaction: bounds how long the first of them waits for the last."""

BUSY_TIMEOUT = 1
"""Milliseconds that SQLite itself waits, in one try, while another process writes."""
_TRIES = 5_000
"""How often the lock is tried: about five seconds, then nothing was changed.

SQLite's own waiting grows to 100 ms a step, and so seldom meets a gap between the transactions of a
busy process; short tries meet nearly every one."""

_UNTOUCHED = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""Errors of COMMIT that are raised before its last page, the one that makes it count, is written.

After any other the transaction may stand whole in the write-ahead log, where a crash revives it."""


class SqliteWriter:
    """Owns ``connection`` from ``start`` until ``drain`` has returned."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        commits: SqliteCommits,
        announce: Callable[[Sequence[Commit]], None],
        record: Callable[[Sequence[Commit]], None] | None = None,
    ) -> None:
        """``announce`` is called on the event loop with the commits that have happened.

        ``record`` is called in their transaction, on the writer's thread.
        """
        self._connection = connection
        self._commits = commits
        self._announce = announce
        self._record = record
        self._tries = _TRIES
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._ended = False
        self._loop = asyncio.get_running_loop()
        # A daemon: a program that ends without `close` must not hang. What it left unfinished was
        # not acknowledged.
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit | None) -> asyncio.Future[Versions]:
        """Call on the event loop. Resolves when the commit (or probe) is on disk, or is not."""
        future: asyncio.Future[Versions] = self._loop.create_future()
        self._queue.put((commit, future))
        return future

    async def drain(self) -> None:
        """Finish everything that was submitted, then end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._ended:
            group: list[_Waiting] = []
            self._take(group)
            outcomes = self._write(group) if group else []
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver, group, outcomes)

    def _take(self, group: list[_Waiting]) -> None:
        """Add everything that waits to ``group``; wait for the first if there is none."""
        with suppress(Empty):
            while len(group) < _GROUP and not self._ended:
                waiting = self._queue.get(block=not group)
                if waiting is None:
                    self._ended = True
                else:
                    group.append(waiting)

    def _write(self, group: list[_Waiting]) -> Sequence[_Outcome]:
        """Commit ``group``, and with it what came while another process was writing."""
        try:
            self._begin()
            self._take(group)
            outcomes = [self._apply(commit) for commit, _ in group]
            if self._record is not None:
                self._record(_happened(group, outcomes))
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread lives on and all are told
            self._roll_back()
            return [StoreUnavailable(f"the database did not take it: {error}") for _ in group]
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            # The extended code's low byte is the plain one.
            untouched = error.sqlite_errorcode & 0xFF in _UNTOUCHED
            failure = StoreUnavailable if untouched else OutcomeUnknown
            return [failure(f"the database did not confirm it: {error}") for _ in group]
        return outcomes

    def _begin(self) -> None:
        """Take the write lock of the file, which one process has at a time."""
        for left in reversed(range(self._tries)):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            else:
                return

    def _apply(self, commit: Commit | None) -> _Outcome:
        try:
            return self._commits.apply(commit) if commit else self._commits.probe()
        except Conflict as conflict:
            return conflict

    def _roll_back(self) -> None:
        # Some errors have rolled back already, and then this one is an error of its own.
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _deliver(self, group: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():  # its waiter was cancelled
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._announce(_happened(group, outcomes))


def _happened(group: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> Sequence[Commit]:
    pairs = zip(group, outcomes, strict=True)
    return [
        commit for (commit, _), outcome in pairs if commit and not isinstance(outcome, Exception)
    ]
