"""A provider of embeddings over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.models.fakes import InstantClock
from tests.upstream import ScriptedUpstream
from understudy_server.embeddings.remote import RemoteEmbeddings
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.upstream import Upstream, open_http_client


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as running:
        yield running


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
async def embeddings_of(
    upstream: ScriptedUpstream, clock: InstantClock
) -> AsyncIterator[Callable[..., RemoteEmbeddings]]:
    opened: list[RemoteEmbeddings] = []

    def open_one(*, model: str = "embed-3", dimensions: int = 0, **settings: Any) -> Any:
        given = {"base_url": upstream.base_url, "api_key": upstream.api_key} | settings
        config = ProviderConfig(name="acme", dialect="responses", **given)
        opened.append(
            RemoteEmbeddings(
                config=config,
                model=model,
                dimensions=dimensions,
                upstream=Upstream(config, open_http_client(config)),
                clock=clock,
                jitter=lambda: 0.0,
            )
        )
        return opened[-1]

    yield open_one
    for each in opened:
        await each.close()


@pytest.fixture
def embeddings(embeddings_of: Callable[..., RemoteEmbeddings]) -> RemoteEmbeddings:
    return embeddings_of()
