"""Stores for tests, on servers that are already running."""

from __future__ import annotations

from dataclasses import replace

import asyncpg

from understudy_server.clock import SystemClock
from understudy_server.store.postgres.address import Address
from understudy_server.store.postgres.store import PostgresStore


async def open_store(url: str, schema: str = "shared", *, pool: int = 10) -> PostgresStore:
    store = await PostgresStore.open(address_of(url, schema, pool), SystemClock())
    store._pool._timeout = 60  # for machines with much else to do
    return store


async def open_empty(url: str, *, pool: int = 10) -> PostgresStore:
    """Emptied rather than new: a schema takes longer to make than most tests run."""
    store = await open_store(url, pool=pool)
    await execute(
        url, *(f"DELETE FROM shared.{name}" for name in ("records", "directory", "entries"))
    )
    return store


def address_of(url: str, schema: str, pool: int = 10) -> Address:
    return replace(Address(url=url), schema=schema, pool=pool)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
