"""The Redis backend passes the suite, on a single server and on a Cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import settings

from tests.conformance.store import StoreConformance
from tests.conformance.store_machine import StoreMachine
from tests.conformance.store_scanning import ScanningConformance
from understudy_server.clock import SystemClock
from understudy_server.store.port import Store
from understudy_server.store.redis.connecting import Address, parse_url
from understudy_server.store.redis.store import RedisStore

HISTORIES = settings(
    max_examples=25, stateful_step_count=30, deadline=None, derandomize=True, database=None
)


class TestRedisStore(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self, redis_url: str, prefix: str) -> AsyncIterator[Store]:
        address = Address(url=redis_url, cluster=False, prefix=prefix)
        store = await RedisStore.open(address, SystemClock())
        yield store
        await store.close()


@pytest.mark.xdist_group("redis cluster")
class TestRedisClusterStore(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self, cluster_url: str, prefix: str) -> AsyncIterator[Store]:
        address = parse_url(f"{cluster_url}?prefix={prefix}")
        store = await RedisStore.open(address, SystemClock())
        yield store
        await store.close()


class RedisMachine(StoreMachine):
    url: str
    numbers = count()

    async def open_store(self) -> Store:
        address = Address(url=self.url, cluster=False, prefix=f"machine{next(self.numbers)}")
        return await RedisStore.open(address, SystemClock())


@pytest.fixture(autouse=True, scope="module")
def _server(redis_url: str) -> None:
    RedisMachine.url = redis_url


TestRedisMachine = RedisMachine.TestCase
TestRedisMachine.settings = HISTORIES
