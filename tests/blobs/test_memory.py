"""Blobs in memory pass the suite."""

from __future__ import annotations

import pytest

from tests.conformance.blobs import BlobConformance, Remains
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.blobs.port import Blobs


class TestMemoryBlobs(BlobConformance):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return MemoryBlobs()

    @pytest.fixture
    def remains(self, blobs: MemoryBlobs) -> Remains:
        async def remains() -> list[str]:
            return list(blobs)

        return remains

    @pytest.fixture
    def spare(self) -> int:
        """It is all in memory: once in pieces and once whole, while it is written."""
        return 2 * 96 * 1024 * 1024 + 64 * 1024 * 1024
