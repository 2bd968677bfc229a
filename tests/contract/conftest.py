from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from tests.contract.client import Api
from tests.contract.world import World, make_world
from tests.servers import UPSTREAM_KEY, Deployment, Layout, deployed
from tests.upstream.threaded import ThreadedUpstream

PAGE = "https://app.example"
"""The origin of a web page that may call the servers of these tests."""

BODY_LIMIT = 1_000_000
FILE_LIMIT = 2_000_000

_PROJECTS = 1_000
_KEYS = [f"sk-contract-{number:04}" for number in range(_PROJECTS)]


@pytest.fixture(scope="session")
def upstream() -> Iterator[ThreadedUpstream]:
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def layout() -> Layout:
    return "serve"


@pytest.fixture(scope="session")
def deployment(
    layout: Layout, upstream: ThreadedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    settings = {
        "UNDERSTUDY_API_KEYS": ",".join(f"{key}:{key}" for key in _KEYS),
        "UNDERSTUDY_BODY_LIMIT": str(BODY_LIMIT),
        "UNDERSTUDY_FILE_LIMIT": str(FILE_LIMIT),
        "UNDERSTUDY_FILE_DOWNLOADS": "false",
        "UNDERSTUDY_CORS_ORIGINS": PAGE,
    }
    folder = tmp_path_factory.mktemp(layout.replace("+", "-"))
    with deployed(layout, folder, upstream, settings=settings) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def new_key(deployment: Deployment) -> Callable[[], str]:
    """Keys of projects that nobody has used."""
    return itertools.chain(_KEYS).__next__


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def api(session: aiohttp.ClientSession, deployment: Deployment, new_key: Callable[[], str]) -> Api:
    """A client in a project of its own."""
    return Api(session, deployment.url, new_key())


@pytest.fixture(scope="session")
def world(deployment: Deployment, new_key: Callable[[], str]) -> World:
    """Objects that tests may look at and must not change."""
    return make_world(deployment.url, new_key())


@pytest.fixture
def looker(session: aiohttp.ClientSession, deployment: Deployment, world: World) -> Api:
    """A client in the world's project."""
    return Api(session, deployment.url, world.key)
