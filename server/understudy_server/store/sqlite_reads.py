"""The questions that a store answers, as SQL: each is a range of an index, cut off by a limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from understudy_server.store.port import (
    MAX_NUMBER,
    Entry,
    EventId,
    Partition,
    Position,
    Record,
)

_BEFORE_ALL = Position(-1, "")
_AFTER_ALL = Position(MAX_NUMBER + 1, "")

COLUMNS = "r.project, r.partition, r.kind, r.id, r.position, r.version, r.commit_id, r.body, r.due"


def _select(rest: str, **words: str) -> str:
    return f"SELECT {COLUMNS} FROM {rest.format(**words)}"  # noqa: S608 - constants of this file


_GET = _select("records r WHERE project = ? AND partition = ? AND kind = ? AND id = ?")
_DUE = _select("records r WHERE due IS NOT NULL AND due <= ? ORDER BY due LIMIT ?")
_LIST = """
    records r WHERE project = ? AND partition = ? AND kind = ?
    AND (position, id) > (?, ?) AND (position, id) < (?, ?)
    ORDER BY position {way}, id {way} LIMIT ?"""
_DIRECTORY = """
    directory d CROSS JOIN records r ON r.number = d.record
    WHERE d.project = ? AND d.kind = ? AND d.label = ?
    AND (d.position, d.id) > (?, ?) AND (d.position, d.id) < (?, ?)
    ORDER BY d.position {way}, d.id {way}, d.partition {way} LIMIT ?"""
_NEXT_KIND = """
    SELECT kind FROM records WHERE project = ? AND partition = ? AND kind >= ?
    ORDER BY kind LIMIT 1"""
_READ = """
    SELECT first_attempt, first_n, last_attempt, last_n, body FROM entries
    WHERE project = ? AND partition = ? AND log = ? AND (last_attempt, last_n) > (?, ?)
    ORDER BY last_attempt, last_n LIMIT ?"""

_WAYS = {False: "ASC", True: "DESC"}
_LISTS = {descending: _select(_LIST, way=way) for descending, way in _WAYS.items()}
_DIRECTORIES = {descending: _select(_DIRECTORY, way=way) for descending, way in _WAYS.items()}


class Page(NamedTuple):
    """Which part of a listing: strictly between the bounds."""

    low: Position | None
    high: Position | None
    descending: bool
    limit: int

    @property
    def values(self) -> tuple[object, ...]:
        return (*(self.low or _BEFORE_ALL), *(self.high or _AFTER_ALL), self.limit)


class SqliteReads:
    """Every method runs to its end at once: an open statement would hold back the checkpoints."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, partition: Partition, kind: str, id: str) -> Record | None:
        row = self._connection.execute(_GET, (*partition, kind, id)).fetchone()
        return record(row) if row else None

    def list(self, partition: Partition, kind: str, page: Page) -> Sequence[Record]:
        return self._records(_LISTS[page.descending], (*partition, kind, *page.values))

    def list_all_kinds(self, partition: Partition, page: Page) -> Sequence[Record]:
        """A partition has a handful of kinds: merging them costs less than one more index would."""
        pages = [self.list(partition, kind, page) for kind in self._kinds(partition)]
        merged = merge(
            *pages, key=lambda record: (*record.position, record.kind), reverse=page.descending
        )
        return list(islice(merged, page.limit))

    def due(self, now: int, limit: int) -> Sequence[Record]:
        return self._records(_DUE, (min(now, MAX_NUMBER), limit))

    def directory(self, project: str, kind: str, label: str, page: Page) -> Sequence[Record]:
        return self._records(_DIRECTORIES[page.descending], (project, kind, label, *page.values))

    def read(self, partition: Partition, log: str, after: EventId, limit: int) -> Sequence[Entry]:
        rows = self._connection.execute(_READ, (*partition, log, *after, limit)).fetchall()
        return [
            Entry(
                first=EventId(first_attempt, first_n), last=EventId(last_attempt, last_n), body=body
            )
            for first_attempt, first_n, last_attempt, last_n, body in rows
        ]

    def _kinds(self, partition: Partition) -> Sequence[str]:
        kinds: list[str] = []
        row = self._connection.execute(_NEXT_KIND, (*partition, "")).fetchone()
        while row:
            kinds.append(row[0])
            row = self._connection.execute(_NEXT_KIND, (*partition, row[0] + "\0")).fetchone()
        return kinds

    def _records(self, sql: str, values: tuple[object, ...]) -> Sequence[Record]:
        return [record(row) for row in self._connection.execute(sql, values).fetchall()]


def record(row: Any) -> Record:
    project, partition, kind, id, order, version, commit, body, due = row
    return Record(
        partition=Partition(project, partition),
        kind=kind,
        id=id,
        order=order,
        version=version,
        commit=commit,
        body=body,
        due=due,
    )
