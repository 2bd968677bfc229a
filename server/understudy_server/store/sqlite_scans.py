"""Everything in the file, portion by portion: each step is a range of an index."""

from __future__ import annotations

import json
import sqlite3

from understudy_server.store.port import Log, Partition, Portion, Stored
from understudy_server.store.scanning import Texts, cursor_of, portion, texts_of
from understudy_server.store.sqlite_reads import COLUMNS, record

# Jumps from key to key: reading every row to tell the partitions apart would take as long as reading them all.
_PARTITION = """
    SELECT project, partition FROM records WHERE (project, partition) {after} (?, ?)
    ORDER BY project, partition LIMIT 1"""
_LOG = """
    SELECT project, partition, log FROM entries WHERE (project, partition, log) {after} (?, ?, ?)
    ORDER BY project, partition, log LIMIT 1"""
_RECORDS = """
    SELECT r.labels, {columns} FROM records r
    WHERE project = ? AND partition = ? AND (kind, id) {after} (?, ?) ORDER BY kind, id LIMIT ?"""


def _first_and_next(sql: str) -> tuple[str, str]:
    """To begin with, nothing is excluded, not even the empty text."""
    return sql.format(after=">=", columns=COLUMNS), sql.format(after=">", columns=COLUMNS)


_PARTITIONS, _LOGS, _PAGES = map(_first_and_next, (_PARTITION, _LOG, _RECORDS))


class SqliteScans:
    """Every method runs to its end at once: an open statement would hold back the checkpoints."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        page = self._jump(_PARTITIONS, 2, cursor, limit)
        return Portion([Partition(*key) for key in page.found], page.cursor)

    def logs(self, cursor: str, limit: int) -> Portion[Log]:
        page = self._jump(_LOGS, 3, cursor, limit)
        return Portion([Log(Partition(*key[:2]), key[2]) for key in page.found], page.cursor)

    def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        after = texts_of(cursor) or ("", "")
        sql = _PAGES[bool(cursor)]
        rows = self._connection.execute(sql, (*partition, *after, limit)).fetchall()
        found = [
            Stored(record=record(row), labels=tuple(json.loads(labels))) for labels, *row in rows
        ]
        last = found[-1].record if len(found) == limit else None
        return Portion(found, cursor_of(last.kind, last.id) if last else "")

    def _jump(self, sql: tuple[str, str], width: int, cursor: str, limit: int) -> Portion[Texts]:
        found: list[Texts] = []
        after = texts_of(cursor) or ("",) * width
        while len(found) <= limit:
            row = self._connection.execute(sql[bool(cursor or found)], after).fetchone()
            if row is None:
                break
            after = tuple(row)
            found.append(after)
        return portion(found, limit)
