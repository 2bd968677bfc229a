"""What every store backend has to pass: subclass it and give it a ``store`` fixture.

    class TestMyStore(StoreConformance):
        @pytest.fixture
        async def store(self):
            store = await MyStore.open(..., SystemClock())
            yield store
            await store.close()

The fixture gives an empty store with the real clock for each test. A second class,
``store_machine.StoreMachine``, compares random histories with a plain model.
"""

from __future__ import annotations

from tests.conformance.store_commits import CommitConformance
from tests.conformance.store_indexes import IndexConformance
from tests.conformance.store_lifecycle import LifecycleConformance
from tests.conformance.store_listing import ListingConformance
from tests.conformance.store_logs import LogConformance
from tests.conformance.store_watching import WatchConformance


class StoreConformance(
    CommitConformance,
    IndexConformance,
    LifecycleConformance,
    ListingConformance,
    LogConformance,
    WatchConformance,
):
    """All of it; there is no part that a backend may leave out."""
