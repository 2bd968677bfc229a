"""A deployment moves to PostgreSQL and away again."""

from __future__ import annotations

from pathlib import Path

from tests.store.copying.round_trip import there_and_back
from tests.store.postgres.opening import open_store
from tests.store.postgres.servers import Server


async def test_there_and_back(server: Server, schema: str, tmp_path: Path) -> None:
    store = await open_store(server.url, schema)
    try:
        await there_and_back(store, tmp_path)
    finally:
        await store.close()
