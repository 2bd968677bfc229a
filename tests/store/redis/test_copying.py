"""A deployment moves to Redis and away again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.copying.round_trip import there_and_back
from understudy_server.clock import SystemClock
from understudy_server.store.redis.connecting import Address, parse_url
from understudy_server.store.redis.store import RedisStore


@pytest.mark.parametrize("odd", ["", "[a]*?\\^-"])
async def test_a_single_server(redis_url: str, prefix: str, tmp_path: Path, odd: str) -> None:
    address = Address(url=redis_url, cluster=False, prefix=f"{prefix}{odd}")
    store = await RedisStore.open(address, SystemClock())
    try:
        await there_and_back(store, tmp_path)
    finally:
        await store.close()


@pytest.mark.xdist_group("redis cluster")
async def test_a_cluster(cluster_url: str, prefix: str, tmp_path: Path) -> None:
    store = await RedisStore.open(parse_url(f"{cluster_url}?prefix={prefix}"), SystemClock())
    try:
        await there_and_back(store, tmp_path)
    finally:
        await store.close()
