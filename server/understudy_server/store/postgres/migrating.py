"""Brings a schema to the version that this program knows, by numbered files of SQL."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from understudy_server.errors import StoreUnavailable
from understudy_server.store.postgres.connecting import TIMEOUT, Connection

LOCK = 0x55445354
"""First half of an advisory lock's key (``UDST``); the second is the schema's."""

PATIENCE = 600.0
"""Seconds for a migration, its waiting for somebody else's included."""


class Migration(NamedTuple):
    number: int
    sql: str


def migrations() -> Sequence[Migration]:
    """In their order: 1, 2 and so on. Files are only ever added."""
    return sorted(
        Migration(int(file.name[:4]), file.read_text(encoding="utf-8"))
        for file in files(__package__).joinpath("migrations").iterdir()
        if re.fullmatch(r"\d{4}_\w+\.sql", file.name)
    )


async def migrate(connection: Connection, schema: str, known: Sequence[Migration]) -> None:
    """One transaction, under a lock that others who migrate the schema wait for.

    Raises ``StoreUnavailable`` for a schema that a newer program has changed, and what ``asyncpg`` raises.
    """
    # Most starts find nothing to do, and their user may not be allowed to do it.
    if await _version(connection, schema) == len(known):
        return
    async with asyncio.timeout(PATIENCE), connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK, schema)
        version = await _version(connection, schema)
        if version > len(known):
            raise StoreUnavailable(
                f"the schema {schema} has version {version}, and this program knows {len(known)}: "
                "a newer Understudy has changed it"
            )
        if not await connection.fetch(_SCHEMA, schema, timeout=TIMEOUT):
            await connection.execute(f'CREATE SCHEMA "{schema}"')
        await connection.execute(f'SET LOCAL search_path TO "{schema}"')
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for number, sql in known[version:]:
            await connection.execute(sql)
            await connection.execute("INSERT INTO migrations (number) VALUES ($1)", number)


# Not to_regclass(): within a transaction that may go on saying what was true before the lock.
_TABLE = "SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'migrations'"
_SCHEMA = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1"


async def _version(connection: Connection, schema: str) -> int:
    if not await connection.fetch(_TABLE, schema, timeout=TIMEOUT):
        return 0
    query = f'SELECT coalesce(max(number), 0) FROM "{schema}".migrations'  # noqa: S608 - a checked name
    return int(await connection.fetchval(query, timeout=TIMEOUT))
