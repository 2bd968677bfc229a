"""Two processes on one database pass the suite: what one commits, the other reads, and is woken by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.conformance.store import StoreConformance
from tests.store.postgres.opening import open_empty
from tests.store.postgres.servers import Server
from tests.store.two_processes import Peer, TwoProcessStore
from understudy_server.store.port import Store


class TestCommitsOfAnotherProcess(StoreConformance):
    """Everything is committed there, and read and watched here."""

    @pytest.fixture
    async def store(self, server: Server, peer: Peer) -> AsyncIterator[Store]:
        here = await open_empty(server.url)
        store = TwoProcessStore(here, await peer.open_url(f"{server.url}&schema=shared"))
        yield store
        await store.close()


class TestOperationsByTurns(StoreConformance):
    """Each operation happens in one of the two, as it comes; here there is a proxy, and so nobody who listens."""

    @pytest.fixture
    async def store(self, server: Server, proxy_url: str, peer: Peer) -> AsyncIterator[Store]:
        here = await open_empty(proxy_url)
        there = await peer.open_url(f"{server.url}&schema=shared")
        store = TwoProcessStore(here, there, Random(1))
        yield store
        await store.close()
