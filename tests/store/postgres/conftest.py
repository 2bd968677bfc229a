from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.store.postgres.servers import Server, pgbouncer, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def proxy_url(server: Server) -> Iterator[str]:
    with pgbouncer(server) as url:
        yield url


@pytest.fixture
def schema() -> str:
    """A deployment of its own, which is not there yet."""
    return f"s{uuid4().hex}"
