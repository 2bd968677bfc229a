"""The PostgreSQL backend passes the suite: directly, and behind a transaction-pooling proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from tests.conformance.store import StoreConformance
from tests.conformance.store_machine import StoreMachine
from tests.conformance.store_scanning import ScanningConformance
from tests.store.postgres.opening import open_empty
from tests.store.postgres.servers import Server
from understudy_server.store.port import Store

HISTORIES = settings(
    max_examples=25, stateful_step_count=30, deadline=None, derandomize=True, database=None
)


class TestPostgresStore(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self, server: Server) -> AsyncIterator[Store]:
        store = await open_empty(server.url)
        yield store
        await store.close()


class TestPostgresStoreBehindAProxy(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self, proxy_url: str) -> AsyncIterator[Store]:
        store = await open_empty(proxy_url)
        yield store
        await store.close()


class PostgresMachine(StoreMachine):
    url: str

    async def open_store(self) -> Store:
        return await open_empty(self.url, pool=2)


@pytest.fixture(autouse=True, scope="module")
def _server(server: Server) -> None:
    PostgresMachine.url = server.url


TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = HISTORIES
