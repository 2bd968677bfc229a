from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from tests.store.redis.servers import redis_cluster, redis_server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    # Not pytest's own folder: the path of a socket has at most 107 bytes.
    with (
        TemporaryDirectory(prefix="us-") as folder,
        redis_server(Path(folder), "--save", "") as url,
    ):
        yield url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture
def prefix() -> str:
    """A deployment of its own, which is empty."""
    return uuid4().hex
