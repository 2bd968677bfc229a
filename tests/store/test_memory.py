"""The memory backend passes the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conformance.store import StoreConformance
from tests.conformance.store_scanning import ScanningConformance
from understudy_server.clock import SystemClock
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store


class TestMemoryStore(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = MemoryStore(SystemClock())
        yield store
        await store.close()
