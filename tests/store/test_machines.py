"""Random histories on every backend."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.conformance.store_machine import StoreMachine
from tests.store.two_processes import Peer, TwoProcessStore
from understudy_server.clock import SystemClock
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store
from understudy_server.store.sqlite import SqliteStore

# The same histories each time: a suite that fails on some days only teaches people to run it again.
HISTORIES = settings(
    max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, database=None
)


class MemoryMachine(StoreMachine):
    async def open_store(self) -> Store:
        return MemoryStore(SystemClock())


class SqliteMachine(StoreMachine):
    async def open_store(self) -> Store:
        self.folder = TemporaryDirectory()
        return await SqliteStore.open(Path(self.folder.name) / "store.db", SystemClock())

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class SharedSqliteMachine(StoreMachine):
    """Each operation in one of two processes."""

    peer: Peer

    async def open_store(self) -> Store:
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        here = await SqliteStore.open(path, SystemClock(), shared=True)
        return TwoProcessStore(here, await self.peer.open(path), Random(1))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


@pytest.fixture(autouse=True, scope="module")
def _other_process(peer: Peer) -> None:
    SharedSqliteMachine.peer = peer


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = HISTORIES
TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = HISTORIES
TestSharedSqliteMachine = SharedSqliteMachine.TestCase
TestSharedSqliteMachine.settings = HISTORIES
