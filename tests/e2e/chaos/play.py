"""One round of it: clients at work, faults drawn from a seed, and the judgement."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import openai

from tests.e2e.chaos import judge
from tests.e2e.chaos.cluster import IMPATIENT, Cluster, Layout
from tests.e2e.chaos.faults import Fault, Trouble
from tests.e2e.chaos.judging import Judging
from tests.e2e.chaos.progress import Progress
from tests.e2e.chaos.resuming_worker import ResumingWorker
from tests.e2e.chaos.sdk_worker import SdkWorker
from tests.e2e.chaos.worker import TOOLS, Worker
from tests.servers import KEY
from tests.upstream.threaded import ThreadedUpstream

_SEED = os.environ.get("UNDERSTUDY_CHAOS_SEED", "seed")
_ROUNDS = int(os.environ.get("UNDERSTUDY_CHAOS_ROUNDS", "1"))
TIMES = int(os.environ.get("UNDERSTUDY_CHAOS_TIMES", "1"))
"""How often each fault comes while a test is played."""

SEEDS = [f"{_SEED} {number}" for number in range(_ROUNDS)]
"""Each test is played once for each of them."""

_WORKERS = 4
_HEADERS = {"Authorization": f"Bearer {KEY}", "OpenAI-Beta": "assistants=v2"}


async def play(
    layout: Layout,
    seed: str,
    folder: Path,
    upstream: ThreadedUpstream,
    *,
    trouble: Trouble,
    store: str = "",
) -> Counter[str]:
    """The faults of ``trouble``, at points that follow from ``seed``; returns what there was.

    ``store``: a URL, by default a SQLite file.
    """
    seen: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        cluster = stack.enter_context(Cluster(layout, folder, upstream, store=store))
        answers = Answers(seen)
        clients = [
            await stack.enter_async_context(_client(url, patience, layout, answers))
            for url, patience in zip(cluster.urls, layout.edges, strict=True)
        ]
        http = await stack.enter_async_context(
            aiohttp.ClientSession(headers=_HEADERS, timeout=aiohttp.ClientTimeout(total=None))
        )
        tools: Any = TOOLS
        assistant = await clients[0].beta.assistants.create(model="responses/m", tools=tools)
        progress, over = Progress(), asyncio.Event()
        workers: list[Worker] = []
        edges = itertools.cycle(zip(clients, layout.edges, strict=True))
        for number, (client, patience) in zip(range(_WORKERS), edges, strict=False):
            make: Callable[..., Worker] = SdkWorker
            if patience == IMPATIENT:
                make = partial(ResumingWorker, cluster=cluster, http=http)
            workers.append(
                make(
                    client=client,
                    assistant_id=assistant.id,
                    source=random.Random(f"{seed} {number}"),
                    progress=progress,
                    over=over,
                )
            )

        async def strike(lane: Sequence[Fault], source: random.Random) -> None:
            for fault in lane:
                await progress.strike(source.randint(1, 60), fault.strike)
                await fault.mend()
                seen[fault.name] += 1
                for client, url in zip(clients, cluster.urls, strict=True):
                    client.base_url = url

        lanes = trouble(cluster, random.Random(seed))
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.work())
            async with asyncio.TaskGroup() as striking:
                for number, lane in enumerate(lanes):
                    striking.create_task(strike(lane, random.Random(f"{seed} lane {number}")))
            over.set()
        faults = sum(len(lane) for lane in lanes)
        conversations = [c for worker in workers for c in worker.conversations]
        judging = Judging(
            cluster=cluster, client=clients[0], http=http, assistant_id=assistant.id, seen=seen
        )
        await judging.judge(conversations)
        judge.check_calls(cluster.calls())
        assert not answers.wrong
        print(f"{layout.name}, {seed}: {faults} faults, {dict(seen)}")  # noqa: T201
    return seen


def _client(url: str, patience: str, layout: Layout, answers: Answers) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=url,
        api_key=KEY,
        max_retries=layout.retries if patience == IMPATIENT else 0,
        timeout=3600,
        http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [answers.look]}),
    )


class Answers:
    """Looks at every answer: of the errors of a server, clients may see only the one that says when to come back."""

    def __init__(self, seen: Counter[str]) -> None:
        self.wrong: list[str] = []
        self._seen = seen

    async def look(self, response: Any) -> None:
        if response.status_code == 503 and response.headers.get("Retry-After"):
            self._seen["answers 503"] += 1
        elif response.status_code >= 500:
            self.wrong.append(f"{response.status_code} {dict(response.headers)} {response.url}")
