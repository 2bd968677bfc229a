"""The SQLite file: its tables, its version, and how a connection to it is set up."""

from __future__ import annotations

import sqlite3
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
)
"""Entry n brings a file from version n to n + 1. Entries are only ever added."""


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
    """Bring the file to this program's version, or raise ``StoreUnavailable`` and leave it so."""
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
    connection.execute("PRAGMA journal_mode = WAL")  # kept in the file: not before we know it
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
