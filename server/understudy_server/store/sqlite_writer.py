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
    ) -> None:
        """``announce`` is called on the event loop with the commits that have happened."""
        self._connection = connection
        self._commits = commits
        self._announce = announce
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
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
        ended = False
        while not ended:
            group, ended = self._take()
            outcomes = self._write(group) if group else []
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver, group, outcomes)

    def _take(self) -> tuple[Sequence[_Waiting], bool]:
        """Everything that waits, at least one; True once the end has come."""
        group: list[_Waiting] = []
        try:
            while len(group) < _GROUP:
                waiting = self._queue.get() if not group else self._queue.get_nowait()
                if waiting is None:
                    return group, True
                group.append(waiting)
        except Empty:
            pass
        return group, False

    def _write(self, group: Sequence[_Waiting]) -> Sequence[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._apply(commit) for commit, _ in group]
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
        happened: list[Commit] = []
        for (commit, future), outcome in zip(group, outcomes, strict=True):
            failed = isinstance(outcome, Exception)
            if commit and not failed:
                happened.append(commit)
            if future.done():  # its waiter was cancelled
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._announce(happened)
