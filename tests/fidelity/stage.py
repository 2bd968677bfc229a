"""The whole server in this process, over HTTP, before a provider that does as told, on a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count

import aiohttp

from tests.clock import FakeClock
from tests.contract.client import Api
from tests.contract.forms import HEADERS, form
from tests.fidelity.traffic import Recorder, Traffic
from tests.upstream import ScriptedUpstream
from understudy_cli.server import run_edge
from understudy_edge.config import EdgeConfig
from understudy_server.auth.keys import DEFAULT_PROJECT
from understudy_server.config import CoreConfig
from understudy_server.idempotency import chosen_id
from understudy_server.ids import RandomIds
from understudy_server.local import local
from understudy_server.models.opener import open_models
from understudy_server.models.provider import ModelsConfig, ProviderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    api: Recorder
    upstream: ScriptedUpstream
    clock: FakeClock


def _id(prefix: str, operation: str) -> str:
    """Of what every stage has: with a key, ids follow from it."""
    return chosen_id(RandomIds(), prefix, project=DEFAULT_PROJECT, operation=operation, key="stage")


FILE = _id("file-", "CreateFile")
"""A file that every stage has."""
STORE = _id("vs_", "CreateVectorStore")
"""A vector store that every stage has."""


@asynccontextmanager
async def open_stage(traffic: Traffic) -> AsyncIterator[Stage]:
    """Everything that goes over the wire is held to OpenAI's description, and noted in ``traffic``.

    Nobody sleeps, and no lease ends, unless a scene lets the clock advance.
    """
    clock, numbers = FakeClock(), count(1)
    async with ScriptedUpstream() as upstream:
        provider = ProviderConfig(
            name="scripted",
            dialect="responses",
            base_url=upstream.base_url,
            api_key=upstream.api_key,
            max_retries=0,
        )
        models = open_models(
            ModelsConfig(providers=(provider,), default_provider=provider.name),
            clock=clock,
            new_call_id=lambda: f"call_{next(numbers)}",
            jitter=lambda: 0.0,
        )
        stack = AsyncExitStack()
        try:
            channel = await stack.enter_async_context(
                local(store="memory://", models=models, clock=clock, config=CoreConfig(grace=0.0))
            )
            url = await stack.enter_async_context(
                run_edge(channel, EdgeConfig(), "127.0.0.1", 0, grace=0.0)
            )
            async with aiohttp.ClientSession() as session:
                await _furnish(session, f"{url}/v1")
                api = Recorder(Api(session, f"{url}/v1", "sk-anybody"), traffic)
                yield Stage(api=api, upstream=upstream, clock=clock)
        finally:
            # What waits for time while it closes gets it.
            await clock.run_until(stack.aclose())
            await models.close()


async def _furnish(session: aiohttp.ClientSession, url: str) -> None:
    key = {"Idempotency-Key": "stage"}
    body = form({"purpose": "assistants"})
    async with session.post(f"{url}/files", data=body, headers=HEADERS | key) as response:
        assert (await response.json())["id"] == FILE
    async with session.post(f"{url}/vector_stores", headers=key) as response:
        assert (await response.json())["id"] == STORE
