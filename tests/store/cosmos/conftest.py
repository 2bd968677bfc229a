from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from tests.store.cosmos.emulator import emulator, open_store, url
from tests.store.cosmos.gateway import Gateway
from understudy_server.store.cosmos.store import CosmosStore


@pytest.fixture(scope="session")
def cosmos_port() -> Iterator[int]:
    with emulator() as port:
        yield port


@pytest.fixture
def cosmos_url(cosmos_port: int) -> str:
    """Of a container that is not there yet."""
    return url(cosmos_port, f"c{uuid4().hex}")


@pytest.fixture
async def gateway(cosmos_port: int) -> AsyncIterator[Gateway]:
    async with Gateway(cosmos_port) as gateway:
        yield gateway


@pytest.fixture
async def store(gateway: Gateway) -> AsyncIterator[CosmosStore]:
    """Behind the gateway."""
    store = await open_store(gateway.port, f"c{uuid4().hex}")
    yield store
    await store.close()
