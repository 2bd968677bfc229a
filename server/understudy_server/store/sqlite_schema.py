"""The SQLite file: its tables, its version, and how a connection to it is set up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy_server.errors import StoreUnavailable

APPLICATION_ID = 0x55445354
"""Marks the file as ours (``UDST``), so that another program's database is never written to."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `body` is last, so that the columns before it are read without its overflow pages.
        # `labels` repeats what `directory` says: a replaced record's entries are found without a
        # second index on `directory`.
        """
        CREATE TABLE records (
            number INTEGER PRIMARY KEY,
            project TEXT NOT NULL,
            partition TEXT NOT NULL,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            position INTEGER NOT NULL,
            version TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            due INTEGER,
            labels TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX records_by_id ON records (project, partition, kind, id)",
        "CREATE INDEX records_in_order ON records (project, partition, kind, position, id)",
        "CREATE INDEX records_due ON records (due) WHERE due IS NOT NULL",
        """
        CREATE TABLE directory (
            project TEXT NOT NULL,
            kind TEXT NOT NULL,
            label TEXT NOT NULL,
            position INTEGER NOT NULL,
            id TEXT NOT NULL,
            partition TEXT NOT NULL,
            record INTEGER NOT NULL,
            PRIMARY KEY (project, kind, label, position, id, partition)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE entries (
            project TEXT NOT NULL,
            partition TEXT NOT NULL,
            log TEXT NOT NULL,
            last_attempt INTEGER NOT NULL,
            last_n INTEGER NOT NULL,
            first_attempt INTEGER NOT NULL,
            first_n INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (project, partition, log, last_attempt, last_n)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE TABLE probe (writes INTEGER NOT NULL) STRICT",
        "INSERT INTO probe VALUES (0)",
    ),
    (
        # Written only by stores that share their file (`sqlite_changes`).
        """
        CREATE TABLE changes (
            number INTEGER PRIMARY KEY,
            project TEXT NOT NULL,
            partition TEXT NOT NULL,
            due INTEGER NOT NULL,
            origin TEXT NOT NULL
        ) STRICT
        """,
    ),
)
"""Entry n brings a file from version n to n + 1. Entries are only ever added.

A server or a tool of the release before may have the file open: each entry leaves it working."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose transactions are ours alone to begin and end."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    # FULL: in WAL mode, NORMAL would sync only at checkpoints and lose acknowledged commits.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -16000")  # KiB
    # In pages, 16 MB: under load a checkpoint then covers many changes of the same page.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this program's version, or raise ``StoreUnavailable`` and leave it so.

    Other processes may do the same at the same time.
    """
    with _transaction(connection, "BEGIN"):
        version = _identify(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")  # kept in the file: not before we know it
    while version < len(MIGRATIONS):
        with _transaction(connection, "BEGIN IMMEDIATE"):
            version = _identify(connection, path)  # another process may have been quicker
            for statement in MIGRATIONS[version] if version < len(MIGRATIONS) else ():
                connection.execute(statement)
            version = min(version + 1, len(MIGRATIONS))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _identify(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version; 0 if it is new. Raises ``StoreUnavailable`` unless it is ours to use."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (version, application, tables) != (0, 0, 0):
        raise StoreUnavailable(f"{path} is the database of another program")
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"{path} has format {version}, written by a newer release; "
            f"this one knows formats up to {len(MIGRATIONS)}"
        )
    return int(version)
