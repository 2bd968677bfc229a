"""The Cosmos DB backend passes the suite, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import count, cycle

import pytest
from hypothesis import settings

from tests.conformance.store import StoreConformance
from tests.conformance.store_machine import StoreMachine
from tests.conformance.store_scanning import ScanningConformance
from tests.store.cosmos.emulator import open_store
from tests.store.forwarding import ForwardingStore
from understudy_server.clock import SystemClock
from understudy_server.store.cosmos.connecting import parse_url
from understudy_server.store.cosmos.store import CosmosStore
from understudy_server.store.port import Commit, DropLog, Store, Version

HISTORIES = settings(
    max_examples=5, stateful_step_count=25, deadline=None, derandomize=True, database=None
)


class TestCosmosStore(StoreConformance):
    @pytest.fixture
    async def store(self, cosmos_url: str) -> AsyncIterator[Store]:
        store = await CosmosStore.open(parse_url(cosmos_url, {}), SystemClock())
        yield store
        await store.close()


class TestCosmosScanning(ScanningConformance):
    @pytest.fixture
    async def store(self, cosmos_url: str) -> AsyncIterator[Store]:
        store = await CosmosStore.open(parse_url(cosmos_url, {}), SystemClock())
        yield store
        await store.close()


class Cores(ForwardingStore):
    """Two cores on one container, which take turns; what was dropped is swept all the time."""

    def __init__(self, stores: Sequence[CosmosStore]) -> None:
        super().__init__(stores[0])
        self._stores = stores
        self._turns = cycle(stores)

    async def _reach(self) -> None:
        self._inner = next(self._turns)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._reach()
        versions = await super().commit(commit)
        if any(isinstance(operation, DropLog) for operation in commit.operations):
            await next(self._turns).sweeper.sweep(age=0)
        return versions

    async def close(self) -> None:
        for store in self._stores:
            await store.close()


class CosmosMachine(StoreMachine):
    port: int
    numbers = count()

    async def open_store(self) -> Store:
        container = f"machine{next(self.numbers)}"
        return Cores([await open_store(self.port, container) for _ in range(2)])


# The histories are one test, and on a machine that is busy with others a long one.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True, scope="module")
def _server(cosmos_port: int) -> None:
    CosmosMachine.port = cosmos_port


TestCosmosMachine = CosmosMachine.TestCase
TestCosmosMachine.settings = HISTORIES
