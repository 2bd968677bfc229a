"""Wake-ups between processes that share a file: a table of what changed, and who looks at it.

Each commit adds a row in its own transaction. Transactions of one file follow one another, so the
rows are numbered in the order in which they become visible, without gaps: reading on after the last
number misses nothing, and wakes only those who watch what changed. Old rows are removed; a process
that slept for so long sees the gap and wakes everybody.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import structlog

from understudy_server.clock import Clock
from understudy_server.store.port import Commit, Partition
from understudy_server.store.watches import Watches, makes_due

KEPT = 4_096
"""Rows that stay at least; none of them is ever needed by a process that looks in time."""
TRIM = 1_024
"""Rows between two removals. The last row always stays: the next number follows from it."""

PAUSE = 0.01
"""Seconds between two looks. Finding nothing takes some microseconds, waking up for it many more, so ..."""
LONG_PAUSE = 0.04
QUIET = 100
"""... after so many looks that found nothing, the pauses are long."""
RETRY = 1.0
"""Seconds after a look that failed."""

_INSERT = "INSERT INTO changes (project, partition, due, origin) VALUES (?, ?, ?, ?)"
_TRIM = "DELETE FROM changes WHERE number <= ?"
_LAST = "SELECT max(number) FROM changes"
_AFTER = """
    SELECT number, project, partition, due, origin FROM changes
    WHERE number > ? ORDER BY number"""


class ChangeRecorder:
    """Writes rows, on the writer's connection and inside its transactions."""

    def __init__(self, connection: sqlite3.Connection, *, origin: str) -> None:
        """``origin`` tells the stores that are open apart: each wakes its own watches itself."""
        self._execute = connection.execute
        self._origin = origin

    def record(self, commits: Sequence[Commit]) -> None:
        changed: dict[Partition, bool] = {}
        for commit in commits:
            changed[commit.partition] = changed.get(commit.partition, False) or makes_due(commit)
        for partition, due in changed.items():
            number = self._execute(_INSERT, (*partition, due, self._origin)).lastrowid
            assert number is not None, "an INSERT has a row number"
            if number % TRIM == 0:
                self._execute(_TRIM, (number - KEPT,))


class ChangePoller:
    """Wakes the watches of this process for what others have committed since it was made."""

    def __init__(
        self, connection: sqlite3.Connection, watches: Watches, clock: Clock, *, origin: str
    ) -> None:
        self._execute = connection.execute
        self._watches = watches
        self._clock = clock
        self._origin = origin
        self._log = structlog.get_logger()
        (last,) = self._execute(_LAST).fetchone()
        self._last: int = last or 0
        self._quiet = 0

    async def run(self) -> None:
        """Until it is cancelled; a failure is logged, and it goes on from where it was."""
        while True:
            await self._clock.sleep(PAUSE if self._quiet < QUIET else LONG_PAUSE)
            try:
                self._quiet = 0 if self.look() else self._quiet + 1
            except Exception as error:  # noqa: BLE001  # without it, nobody here would be woken any more
                self._log.warning("store_changes_unseen", error=str(error), retry=RETRY)
                await self._clock.sleep(RETRY)

    def look(self) -> bool:
        """Whether anything was new. Raises ``sqlite3.Error``, and is to be repeated then."""
        rows = self._execute(_AFTER, (self._last,)).fetchall()
        if not rows:
            return False
        missed = rows[0][0] != self._last + 1
        self._last = rows[-1][0]
        if missed:
            self._watches.wake_all()
            return True
        foreign = [row for row in rows if row[4] != self._origin]
        for partition in {Partition(project, name) for _, project, name, _, _ in foreign}:
            self._watches.wake(partition)
        if any(due for _, _, _, due, _ in foreign):
            self._watches.wake(None)
        return True
