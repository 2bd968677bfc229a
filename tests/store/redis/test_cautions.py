from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from tests.store.redis.servers import redis_server
from understudy_server.clock import SystemClock
from understudy_server.store.port import Cautious
from understudy_server.store.redis.cautions import judge
from understudy_server.store.redis.connecting import Address, parse_url
from understudy_server.store.redis.store import RedisStore

SAFE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
}


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, []),
        ({"appendfsync": "everysec"}, ["last second"]),
        ({"appendfsync": "no"}, ["half minute"]),
        ({"appendonly": "no", "save": "3600 1"}, ["last snapshot"]),
        ({"appendonly": "no"}, ["no snapshots"]),
        ({"maxmemory-policy": "allkeys-lru"}, []),
        ({"maxmemory": "100", "maxmemory-policy": "volatile-ttl"}, []),
        ({"maxmemory": "100", "maxmemory-policy": "allkeys-lru"}, ["allkeys-lru"]),
        (
            {"appendonly": "no", "maxmemory": "100", "maxmemory-policy": "allkeys-lfu"},
            ["no snapshots", "allkeys-lfu"],
        ),
    ],
)
def test_what_can_be_lost(settings: dict[str, str], parts: Sequence[str]) -> None:
    found = judge(SAFE | settings)
    assert len(found) == len(parts)
    for words, part in zip(found, parts, strict=True):
        assert part in words


async def test_a_real_server() -> None:
    with (
        TemporaryDirectory(prefix="us-") as folder,
        redis_server(Path(folder), "--save", "") as url,
    ):
        store = await RedisStore.open(Address(url=url, cluster=False, prefix="x"), SystemClock())
        assert isinstance(store, Cautious)
        assert "no snapshots" in (await store.cautions())[0]
        async with Redis.from_url(url) as admin:
            await admin.config_set("appendonly", "yes")
            await admin.config_set("appendfsync", "always")
            assert not await store.cautions()
            await admin.execute_command("ACL", "SETUSER", "default", "-config")  # type: ignore[no-untyped-call]
        assert "CONFIG is forbidden" in (await store.cautions())[0]
        await store.close()


async def test_every_primary_of_a_cluster_is_asked(cluster_url: str) -> None:
    store = await RedisStore.open(parse_url(cluster_url), SystemClock())
    assert len(await store.cautions()) == 1
    await store.close()
