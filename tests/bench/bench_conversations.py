"""What a conversation costs on each store: ``python -m tests.bench.bench_conversations [backend ...]``.

A conversation: a thread with a question, a streamed run of 100 words at 50 words a second, one page of
messages. Many go on at a time, in one core, whose CPU time is measured, and that of the store's server. Takes
about a quarter of a minute for each backend. ``docs/scaling.md`` reckons with these figures.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvloop

from tests.server.runs.world import new_message
from tests.store.counting import CountingStore
from tests.store.postgres.servers import postgres
from tests.store.redis.servers import redis_on_loopback
from understudy.v1 import assistant_pb2, message_pb2, run_pb2, thread_pb2
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_server import logs
from understudy_server.clock import SystemClock
from understudy_server.config import CoreConfig
from understudy_server.local import local
from understudy_server.models.port import (
    Finished,
    ModelEvent,
    ModelRequest,
    Resolved,
    TextDelta,
    Usage,
)
from understudy_server.store.opener import open_store

if TYPE_CHECKING:
    from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceAsyncStub

WORDS, PAUSE = 100, 0.02
AT_ONCE, CONVERSATIONS = 50, 300


class Speaker:
    """Implements ``Models``."""

    def resolve(self, name: str) -> Resolved:
        return Resolved(provider="bench", model=name, context_window=100_000)

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        del resolved, request
        for _ in range(WORDS):
            await asyncio.sleep(PAUSE)
            yield TextDelta(text="word ")
        yield Finished(reason="stop", usage=Usage(prompt_tokens=10, completion_tokens=WORDS))

    async def list_models(self) -> tuple[str, ...]:
        return ("words",)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    url: str
    server: int | None = None
    """The process id of its server."""


@contextmanager
def _sqlite(folder: Path) -> Iterator[Backend]:
    yield Backend(url=f"sqlite:///{folder}/store.db")


@contextmanager
def _redis(folder: Path) -> Iterator[Backend]:
    options = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    with redis_on_loopback(folder, *options) as url:
        port = url.rpartition(":")[2]
        asked = ["redis-cli", "-p", port, "info", "server"]
        info = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        pid = next(line for line in info.splitlines() if line.startswith("process_id"))
        yield Backend(url=url, server=int(pid.partition(":")[2]))


@contextmanager
def _postgres(folder: Path) -> Iterator[Backend]:
    del folder
    with postgres("fsync=on") as server:
        postmaster = (server.folder / "data" / "postmaster.pid").read_text().split()[0]
        yield Backend(url=server.url, server=int(postmaster))


BACKENDS: Mapping[str, Callable[[Path], AbstractContextManager[Backend]]] = {
    "memory": lambda _: nullcontext(Backend(url="memory://")),
    "sqlite": _sqlite,
    "redis": _redis,
    "postgres": _postgres,
}


def _cpu_seconds(pid: int) -> float:
    """Of a process and of those that it started, the ended ones among them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK") + sum(map(_cpu_seconds, map(int, children)))


async def _converse(stub: AssistantsServiceAsyncStub, assistant: str) -> None:
    question = new_message("What is a conversation worth?")
    thread = await stub.CreateThread(thread_pb2.CreateThreadRequest(messages=[question]))
    request = run_pb2.CreateRunRequest(thread_id=thread.id, assistant_id=assistant)
    async for _ in stub.StreamCreateRun(request):
        pass
    await stub.ListMessages(message_pb2.ListMessagesRequest(thread_id=thread.id))


async def _load(backend: Backend) -> dict[str, float]:
    store = CountingStore(await open_store(backend.url, SystemClock()))
    config = CoreConfig(concurrent_runs=2 * AT_ONCE)
    waiting = asyncio.Semaphore(AT_ONCE)
    async with local(store=store, models=Speaker(), config=config) as channel:
        stub: AssistantsServiceAsyncStub = AssistantsServiceStub(channel)
        assistant = await stub.CreateAssistant(
            assistant_pb2.CreateAssistantRequest(model="words", instructions="Be brief.")
        )

        async def one() -> None:
            async with waiting:
                await _converse(stub, assistant.id)

        await one()
        began, own = time.perf_counter(), time.process_time()
        served = _cpu_seconds(backend.server) if backend.server else 0.0
        with store.trips() as trips:
            await asyncio.gather(*(one() for _ in range(CONVERSATIONS)))
        seconds = time.perf_counter() - began
        own = time.process_time() - own
        if backend.server:
            served = _cpu_seconds(backend.server) - served
    await store.close()
    return {
        "conversations/s": CONVERSATIONS / seconds,
        "CPU of the core, ms": own * 1_000 / CONVERSATIONS,
        "CPU of the store's server, ms": served * 1_000 / CONVERSATIONS,
        "commits": trips.calls["commit"] / CONVERSATIONS,
        "other calls": (trips.calls.total() - trips.calls["commit"]) / CONVERSATIONS,
    }


def main() -> None:
    logs.configure(format="text", level="error", component="bench")
    for name in sys.argv[1:] or BACKENDS:
        with TemporaryDirectory(prefix="us-") as folder, BACKENDS[name](Path(folder)) as backend:
            found = uvloop.run(_load(backend))
        for what, value in found.items():
            sys.stdout.write(f"{name}: {what:<40}{value:>10.1f}\n")


if __name__ == "__main__":
    main()
