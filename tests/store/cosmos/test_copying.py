"""A deployment moves to Cosmos DB and away again."""

from __future__ import annotations

from pathlib import Path

from tests.store.copying.round_trip import there_and_back
from understudy_server.clock import SystemClock
from understudy_server.store.cosmos.connecting import parse_url
from understudy_server.store.cosmos.store import CosmosStore


async def test_there_and_back(cosmos_url: str, tmp_path: Path) -> None:
    store = await CosmosStore.open(parse_url(cosmos_url, {}), SystemClock())
    try:
        await there_and_back(store, tmp_path, partitions=3)
    finally:
        await store.close()
