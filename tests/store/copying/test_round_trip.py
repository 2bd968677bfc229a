"""From memory to a file. Each other backend has a test of its own, beside its suite."""

from __future__ import annotations

from pathlib import Path

from tests.store.copying.round_trip import CLOCK, there_and_back
from understudy_server.store.memory import MemoryStore


async def test_from_a_file_to_memory_and_back(tmp_path: Path) -> None:
    await there_and_back(MemoryStore(CLOCK), tmp_path)
