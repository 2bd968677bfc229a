"""The SQLite backend passes the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.store import StoreConformance
from tests.conformance.store_scanning import ScanningConformance
from understudy_server.clock import SystemClock
from understudy_server.store.port import Store
from understudy_server.store.sqlite import SqliteStore


class TestSqliteStore(StoreConformance, ScanningConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        store = await SqliteStore.open(tmp_path / "store.db", SystemClock())
        yield store
        await store.close()
