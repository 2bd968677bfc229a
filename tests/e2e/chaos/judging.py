"""When all trouble is over: what has become of everything, by what the server tells."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import openai

from tests.e2e.chaos import judge
from tests.e2e.chaos.cluster import Cluster
from tests.e2e.chaos.ledger import Conversation, Event, Turn
from tests.e2e.chaos.resuming_worker import insist
from tests.e2e.sse import EventReader

_JUDGES = 3


@dataclass(frozen=True, kw_only=True)
class Judging:
    """Asks the server what has become of everything, and compares."""

    cluster: Cluster
    client: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    assistant_id: str
    seen: Counter[str]
    """What there was to judge, for the reader of a report."""

    async def judge(self, conversations: Sequence[Conversation]) -> None:
        left = iter(conversations)

        async def judge_some() -> None:
            for conversation in left:
                # A slow machine may lose a connection even now, where the edge has no patience.
                await insist(self.cluster, partial(self._judge, conversation))
                await self._go_on(conversation.thread_id)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(_JUDGES):
                tasks.create_task(judge_some())

    async def _judge(self, conversation: Conversation) -> None:
        thread_id = conversation.thread_id
        threads: Any = self.client.beta.threads
        listed = [run.id async for run in threads.runs.list(thread_id, order="asc")]
        assert listed == [turn.run_id for turn in conversation.turns]
        statuses = [await self._judge_run(thread_id, turn) for turn in conversation.turns]
        messages = [m.to_dict() async for m in threads.messages.list(thread_id, order="asc")]
        judge.check_messages(conversation, statuses, messages)
        thread = await threads.retrieve(thread_id)
        assert (thread.metadata or {})["label"] in conversation.labels.possible()
        self.seen.update(statuses)

    async def _judge_run(self, thread_id: str, turn: Turn) -> str:
        runs: Any = self.client.beta.threads.runs
        run = (await runs.poll(turn.run_id, thread_id=thread_id)).to_dict()
        steps = [s.to_dict() async for s in runs.steps.list(turn.run_id, thread_id=thread_id)]
        judge.check_run(turn, run, steps)
        logged = await self._logged(thread_id, turn)
        judge.check_log(logged, run["status"])
        if turn.streamed:
            judge.check_events(turn.events, logged)
        if run["status"] == "completed":
            self.seen["closed by a takeover"] += sum(e.name in judge.ABANDONED for e in logged)
        return str(run["status"])

    async def _logged(self, thread_id: str, turn: Turn) -> list[Event]:
        """Everything that the server still knows to have happened in a run."""
        path = f"/threads/{thread_id}/runs/{turn.run_id}/events"
        async with self.http.get(self.cluster.urls[0] + path) as response:
            response.raise_for_status()
            body = await response.read()
        return [
            Event(name=event.name, data=json.loads(event.data), id=event.id)
            for event in EventReader().feed(body)
            if event.name != "done"
        ]

    async def _go_on(self, thread_id: str) -> None:
        """A thread that is not locked takes a message, and a run that completes."""
        threads: Any = self.client.beta.threads
        said, asked = ({"Idempotency-Key": f"{word} {thread_id}"} for word in ("said", "asked"))
        await insist(
            self.cluster,
            lambda: threads.messages.create(
                thread_id, role="user", content="Go on.", extra_headers=said
            ),
        )
        run = await insist(
            self.cluster,
            lambda: threads.runs.create_and_poll(
                thread_id=thread_id, assistant_id=self.assistant_id, extra_headers=asked
            ),
        )
        assert run.status == "completed", run
