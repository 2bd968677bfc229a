"""One commit inside an open SQLite transaction: check everything, then change everything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from understudy_server.errors import Conflict
from understudy_server.store.port import (
    LOG_START,
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    EventId,
    Operation,
    Partition,
    Put,
    Version,
)

_FIND = """
    SELECT number, version, position, labels FROM records
    WHERE project = ? AND partition = ? AND kind = ? AND id = ?"""
_INSERT = """
    INSERT INTO records
    (project, partition, kind, id, position, version, commit_id, due, labels, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
# SQLite rewrites the index entries of every column that is assigned, changed or not: the common
# replacement, which keeps its place, leaves `position` out.
_REPLACE = """
    UPDATE records SET version = ?, commit_id = ?, due = ?, labels = ?, body = ? WHERE number = ?"""
_MOVE = "UPDATE records SET position = ? WHERE number = ?"
_DELETE = "DELETE FROM records WHERE number = ?"
_ENLIST = "INSERT INTO directory VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELIST = """
    DELETE FROM directory
    WHERE project = ? AND kind = ? AND label = ? AND position = ? AND id = ? AND partition = ?"""
_LOG_END = """
    SELECT last_attempt, last_n FROM entries WHERE project = ? AND partition = ? AND log = ?
    ORDER BY last_attempt DESC, last_n DESC LIMIT 1"""
_APPEND = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DROP_LOG = "DELETE FROM entries WHERE project = ? AND partition = ? AND log = ?"
_PROBE = "UPDATE probe SET writes = writes + 1"


class _Found(NamedTuple):
    """What a record's row says before the commit."""

    number: int
    version: Version
    order: int
    labels: str
    """A JSON array of strings, sorted."""


class SqliteCommits:
    """Applies commits on the writer's connection; ``new_version`` gives a token not seen before."""

    def __init__(self, connection: sqlite3.Connection, new_version: Callable[[], Version]) -> None:
        self._execute = connection.execute
        self._new_version = new_version

    def apply(self, commit: Commit) -> tuple[Version | None, ...]:
        """Raise ``Conflict`` before the first change. An ``sqlite3.Error`` may leave half of it."""
        found = [self._check(commit.partition, operation) for operation in commit.operations]
        return tuple(
            self._change(commit, operation, row)
            for operation, row in zip(commit.operations, found, strict=True)
        )

    def probe(self) -> tuple[Version | None, ...]:
        """Write something that means nothing, to learn whether writing works."""
        self._execute(_PROBE)
        return ()

    def _check(self, partition: Partition, operation: Operation) -> _Found | None:
        if isinstance(operation, Put | Delete | Check):
            row = self._execute(_FIND, (*partition, operation.kind, operation.id)).fetchone()
            found = _Found(*row) if row else None
            if (found.version if found else None) != operation.expected:
                raise Conflict(f"{operation.kind} {operation.id} is not as expected")
            return found
        if isinstance(operation, Append):
            row = self._execute(_LOG_END, (*partition, operation.log)).fetchone()
            end = EventId(*row) if row else LOG_START
            if operation.entries[0].first <= end:
                raise Conflict(f"log {operation.log} already reaches to {end}")
        return None

    def _change(self, commit: Commit, operation: Operation, found: _Found | None) -> Version | None:
        if isinstance(operation, Put):
            return self._put(commit, operation, found)
        if isinstance(operation, Delete):
            assert found is not None, "a Delete expects a version"
            self._delist(commit.partition, operation, found)
            self._execute(_DELETE, (found.number,))
        elif isinstance(operation, Append):
            for entry in operation.entries:
                key = (*commit.partition, operation.log, *entry.last, *entry.first)
                self._execute(_APPEND, (*key, entry.body))
        elif isinstance(operation, DropLog):
            self._execute(_DROP_LOG, (*commit.partition, operation.log))
        return None

    def _put(self, commit: Commit, put: Put, found: _Found | None) -> Version:
        partition, version = commit.partition, self._new_version()
        labels = json.dumps(sorted(set(put.labels))) if put.labels else "[]"
        written = (version, commit.id, put.due, labels, put.body)
        if found is None:
            key = (*partition, put.kind, put.id, put.order)
            number = self._execute(_INSERT, (*key, *written)).lastrowid
            assert number is not None, "an INSERT has a row number"
        else:
            number = found.number
            self._execute(_REPLACE, (*written, number))
            if found.order != put.order:
                self._execute(_MOVE, (put.order, number))
            if (found.order, found.labels) == (put.order, labels):
                return version
            self._delist(partition, put, found)
        for label in set(put.labels):
            place = (partition.project, put.kind, label, put.order, put.id, partition.name)
            self._execute(_ENLIST, (*place, number))
        return version

    def _delist(self, partition: Partition, operation: Put | Delete, found: _Found) -> None:
        for label in json.loads(found.labels):
            place = (operation.kind, label, found.order, operation.id)
            self._execute(_DELIST, (partition.project, *place, partition.name))
