"""A core whose store goes away says so, and goes on by itself when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import openai
import pytest

from tests.e2e.chaos.stores import BACKENDS
from tests.servers import deployed
from tests.upstream.threaded import ThreadedUpstream

PAUSE = 0.1
"""Seconds between two looks."""

Readiness: TypeAlias = tuple[int, dict[str, str]]
"""Status and checks of ``/ready``."""

SETTINGS = {"UNDERSTUDY_RETRY": "0"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_store_that_goes_away_and_comes_back(
    backend: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    with (
        BACKENDS[backend](tmp_path) as store,
        deployed("core+edge", tmp_path, upstream, store=store.url, settings=SETTINGS) as site,
    ):
        client = openai.AsyncOpenAI(base_url=site.url, api_key=site.key, max_retries=0)
        async with client, aiohttp.ClientSession(site.url.removesuffix("v1")) as probe:
            threads: Any = client.beta.threads
            thread = await threads.create(messages=[{"role": "user", "content": "before"}])
            assert await _ready(probe) == (200, {"core": "ok", "store": "ok"})

            store.go_away()
            # The core itself answers at first; later the edge knows better than to ask it.
            await _refused(threads.retrieve(thread.id))
            status, checks = await _once(probe, lambda found: found[1]["core"] != "ok")
            assert status == 503
            assert checks["store"] != "ok"
            say = threads.messages.create(thread.id, role="user", content="meanwhile")
            await _refused(say)

            store.come_back()
            await _once(probe, lambda found: found[0] == 200)
            assistant = await client.beta.assistants.create(model="responses/m")
            run = await threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
            assert run.status == "completed"
            messages = [m async for m in threads.messages.list(thread.id, order="asc")]
            assert [m.role for m in messages] == ["user", "assistant"]
            assert messages[0].content[0].text.value == "before"


async def _refused(call: Awaitable[object]) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        await call
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["Retry-After"]) >= 1
    assert caught.value.type == "server_error"


async def _ready(probe: aiohttp.ClientSession) -> Readiness:
    async with probe.get("ready") as response:
        return response.status, (await response.json())["checks"]


async def _once(probe: aiohttp.ClientSession, true: Callable[[Readiness], bool]) -> Readiness:
    while True:
        found = await _ready(probe)
        if true(found):
            return found
        await asyncio.sleep(PAUSE)
