"""A scripted model provider, and a model that speaks to it in each dialect."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.models.fakes import InstantClock, remote_model
from tests.upstream import ScriptedUpstream
from understudy_server.models.port import Model
from understudy_server.models.provider import DialectName


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as running:
        yield running


@pytest.fixture(params=["responses", "chat"])
def dialect(request: pytest.FixtureRequest) -> DialectName:
    name: DialectName = request.param
    return name


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
async def model(
    upstream: ScriptedUpstream, dialect: DialectName, clock: InstantClock
) -> AsyncIterator[Model]:
    opened = remote_model(upstream.base_url, dialect=dialect, clock=clock)
    yield opened
    await opened.close()
