"""Clients that write, and remember what was acknowledged to them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
import openai


@dataclass(kw_only=True)
class Ledger:
    """What the server has acknowledged, and what it may or may not have taken."""

    threads: set[str] = field(default_factory=set)
    messages: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Thread and text, by id."""
    runs: dict[str, str] = field(default_factory=dict)
    """Thread, by id."""
    ended: dict[str, str] = field(default_factory=dict)
    """The status of runs that a client has seen ended."""
    answers: dict[str, str] = field(default_factory=dict)
    """The text of messages that a client has seen completed in a stream, by id."""
    metadata: dict[str, set[str]] = field(default_factory=dict)
    """Values of a thread's metadata: the last one acknowledged and those tried after it."""
    acknowledged: int = 0


@dataclass(frozen=True, kw_only=True)
class Client:
    """Works on threads of its own until the server is gone."""

    openai: openai.AsyncOpenAI
    assistant_id: str
    ledger: Ledger
    random: random.Random
    acknowledge: Callable[[], None]
    """Called at each acknowledgement, once the ledger has it."""

    async def work(self) -> None:
        try:
            while True:
                thread_id = await self._create_thread()
                for _ in range(self.random.randint(1, 4)):
                    action = self.random.choice(
                        (self._say, self._say, self._label, self._run, self._stream)
                    )
                    await action(thread_id)
        except (openai.APIConnectionError, httpx2.HTTPError):
            return

    async def _create_thread(self) -> str:
        text = uuid4().hex
        thread = await self.openai.beta.threads.create(messages=[{"role": "user", "content": text}])
        self.ledger.threads.add(thread.id)
        self.acknowledge()
        return thread.id

    async def _say(self, thread_id: str) -> None:
        text = uuid4().hex
        message = await self.openai.beta.threads.messages.create(
            thread_id, role="user", content=text
        )
        self.ledger.messages[message.id] = (thread_id, text)
        self.acknowledge()

    async def _label(self, thread_id: str) -> None:
        value = uuid4().hex
        possible = self.ledger.metadata.setdefault(thread_id, {""})
        possible.add(value)
        await self.openai.beta.threads.update(thread_id, metadata={"label": value})
        self.ledger.metadata[thread_id] = {value}
        self.acknowledge()

    async def _run(self, thread_id: str) -> None:
        await self._ask(thread_id)
        run = await self.openai.beta.threads.runs.create(thread_id, assistant_id=self.assistant_id)
        self.ledger.runs[run.id] = thread_id
        self.acknowledge()
        done = await self.openai.beta.threads.runs.poll(run.id, thread_id=thread_id)
        self.ledger.ended[run.id] = done.status
        self.acknowledge()

    async def _stream(self, thread_id: str) -> None:
        await self._ask(thread_id)
        events = await self.openai.beta.threads.runs.create(
            thread_id, assistant_id=self.assistant_id, stream=True
        )
        async for event in events:
            if event.event == "thread.run.created":
                self.ledger.runs[event.data.id] = thread_id
            elif event.event == "thread.message.completed":
                (part,) = event.data.content
                assert part.type == "text"
                self.ledger.answers[event.data.id] = part.text.value
            elif event.event == "thread.run.completed":
                self.ledger.ended[event.data.id] = event.data.status
            self.acknowledge()

    async def _ask(self, thread_id: str) -> None:
        steps = [{"tokens": self.random.randint(1, 8), "every": 0.01}, {"say": [uuid4().hex]}]
        text = f"scripted:{json.dumps(steps)}"
        message = await self.openai.beta.threads.messages.create(
            thread_id, role="user", content=text
        )
        self.ledger.messages[message.id] = (thread_id, text)
        self.acknowledge()


async def write_until(
    stop_after: int,
    kill: Callable[[], None],
    *,
    url: str,
    key: str,
    ledger: Ledger,
    seed: str,
    clients: int,
) -> None:
    """Write with so many clients; ``kill`` at the given number of acknowledgements."""
    seen = 0

    def acknowledge() -> None:
        nonlocal seen
        seen += 1
        ledger.acknowledged += 1
        if seen == stop_after:
            kill()

    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
        assistant = await client.beta.assistants.create(model="responses/m")
        await asyncio.gather(
            *(
                Client(
                    openai=client,
                    assistant_id=assistant.id,
                    ledger=ledger,
                    random=random.Random(f"{seed} {number}"),
                    acknowledge=acknowledge,
                ).work()
                for number in range(clients)
            )
        )
