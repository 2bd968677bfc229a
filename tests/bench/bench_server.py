"""What Understudy costs in front of a model: `python -m tests.bench.bench_server`.

Side by side in one run: the in-process channel against a gRPC socket between edge and core, and streams of many
small events. Client and server share this process, so the rates are lower bounds; the ratios are what to read.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory

import aiohttp
import structlog
import uvloop

from understudy_cli.server import run_edge
from understudy_edge.channel import open_channel
from understudy_edge.config import EdgeConfig
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import in_process, listen
from understudy_server.models.port import (
    Finished,
    ModelEvent,
    ModelRequest,
    Resolved,
    TextDelta,
    Usage,
)

SECONDS = 3.0
CLIENTS = 16
TOKENS = 2_000
HEADERS = {"OpenAI-Beta": "assistants=v2"}


class Tokens:
    """A model that says `TOKENS` words without a pause."""

    def resolve(self, name: str) -> Resolved:
        return Resolved(provider="bench", model=name, context_window=128_000)

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        del resolved, request
        for number in range(TOKENS):
            yield TextDelta(text=" word")
            if number % 20 == 0:
                # As a network does: some events come together, then others get their turn.
                await asyncio.sleep(0)
        yield Finished(reason="stop", usage=Usage(prompt_tokens=1, completion_tokens=TOKENS))

    async def list_models(self) -> tuple[str, ...]:
        return ("bench",)

    async def close(self) -> None:
        pass


async def rate(work: Callable[[], Awaitable[int]]) -> float:
    """Units per second that `CLIENTS` loops of ``work`` get done."""
    end = time.perf_counter() + SECONDS
    done = 0

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            # Not `+= await`: that would read the sum before it waits.
            units = await work()
            done += units

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return done / (time.perf_counter() - started)


async def measure(session: aiohttp.ClientSession, base: str) -> dict[str, float]:
    async def post(path: str, body: object) -> str:
        async with session.post(f"{base}/v1{path}", json=body, headers=HEADERS) as response:
            return str((await response.json())["id"])

    assistant = await post("/assistants", {"model": "bench"})
    threads = [await post("/threads", {}) for _ in range(CLIENTS)]
    turn = iter(range(10**9))

    async def get() -> int:
        async with session.get(f"{base}/v1/assistants/{assistant}", headers=HEADERS) as response:
            await response.read()
        return 1

    async def add() -> int:
        thread = threads[next(turn) % CLIENTS]
        await post(f"/threads/{thread}/messages", {"role": "user", "content": "hello"})
        return 1

    async def stream() -> int:
        body = {"assistant_id": assistant, "stream": True, "thread": {}}
        events = 0
        async with session.post(f"{base}/v1/threads/runs", json=body, headers=HEADERS) as response:
            async for chunk in response.content.iter_any():
                events += chunk.count(b"event: ")
        return events

    return {
        "GET an assistant, requests/s": await rate(get),
        "add a message (durable), requests/s": await rate(add),
        "streams, events/s": await rate(stream),
    }


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        config = CoreConfig(store=f"sqlite:///{folder}/bench.db", auth=False)
        core = await stack.enter_async_context(open_core(config, models=Tokens()))
        port = await stack.enter_async_context(listen(core, "127.0.0.1:0", config))
        local = await stack.enter_async_context(in_process(core))
        remote = await stack.enter_async_context(open_channel([f"127.0.0.1:{port}"]))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        results = []
        for channel in (local, remote):
            url = await stack.enter_async_context(
                run_edge(channel, EdgeConfig(), "127.0.0.1", 0, 1.0)
            )
            results.append(await measure(session, url))
        for name, inside in results[0].items():
            outside = results[1][name]
            sys.stdout.write(f"{name:38} in process {inside:9,.0f}  over a socket {outside:9,.0f}  "
                  f"ratio {inside / outside:.1f}\n")  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main())
