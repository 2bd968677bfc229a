"""A client that loses its server: it repeats what it may, and reads on after the last event it saw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
import httpx2
import openai

from tests.e2e.chaos.cluster import Cluster
from tests.e2e.chaos.ledger import Conversation, Event, Turn, answer_calls, given
from tests.e2e.chaos.worker import Worker
from tests.e2e.sse import EventReader

T = TypeVar("T")

LOST = (
    openai.APIConnectionError,
    openai.InternalServerError,
    httpx2.HTTPError,
    aiohttp.ClientError,
)
"""What a client sees whose server goes away, or whose edge finds no core."""

_ENDS = {f"thread.run.{word}" for word in ("completed", "cancelled", "failed", "expired")}
_PAUSE = 0.1
"""Seconds between two tries."""


async def insist(cluster: Cluster, act: Callable[[], Awaitable[T]]) -> T:
    """Tries until it gets an answer, for what may be done twice."""
    while True:
        await cluster.up.wait()
        try:
            return await act()
        except LOST:
            await asyncio.sleep(_PAUSE)


@dataclass(kw_only=True)
class ResumingWorker(Worker):
    """Creates with an ``Idempotency-Key``, so that nothing is created twice."""

    cluster: Cluster
    http: aiohttp.ClientSession
    """With the headers that the API asks for."""

    async def create_thread(self) -> str:
        key = self._key()
        thread = await self._insist(
            lambda: self.client.beta.threads.create(metadata={"label": ""}, extra_headers=key)
        )
        return thread.id

    async def say(self, conversation: Conversation, text: str) -> None:
        key = self._key()
        await self._insist(
            lambda: self.client.beta.threads.messages.create(
                conversation.thread_id, role="user", content=text, extra_headers=key
            )
        )

    async def stream(self, conversation: Conversation, turn: Turn, cancel_after: int) -> None:
        outputs: dict[str, str] = {}
        key = self._key()
        async with asyncio.TaskGroup() as beside:
            while not turn.events or turn.events[-1].name not in _ENDS:
                await self.cluster.up.wait()
                try:
                    async with AsyncExitStack() as stack:
                        chunks = await self._open(conversation, turn, key, outputs, stack)
                        turn.outputs.update(outputs)
                        outputs = {}
                        await self._read(conversation, turn, chunks, cancel_after, beside)
                except LOST:
                    await asyncio.sleep(_PAUSE)
                    continue
                if turn.events and turn.events[-1].name == "thread.run.requires_action":
                    outputs = answer_calls(turn.events[-1].data["required_action"])
        turn.streamed = True

    async def _open(
        self,
        conversation: Conversation,
        turn: Turn,
        key: dict[str, str],
        outputs: dict[str, str],
        stack: AsyncExitStack,
    ) -> AsyncIterator[bytes]:
        """The bytes of a stream that goes on where ``turn.events`` end; the server has accepted it."""
        runs: Any = self.client.beta.threads.runs.with_streaming_response
        thread_id = conversation.thread_id
        if turn.events and not outputs:
            return await stack.enter_async_context(self._events(thread_id, turn))
        if outputs:
            opening = runs.submit_tool_outputs(
                turn.run_id, thread_id=thread_id, tool_outputs=given(outputs), stream=True
            )
        else:
            opening = runs.create(
                thread_id, assistant_id=self.assistant_id, stream=True, extra_headers=key
            )
        chunks: AsyncIterator[bytes] = (await stack.enter_async_context(opening)).iter_bytes()
        return chunks

    @asynccontextmanager
    async def _events(self, thread_id: str, turn: Turn) -> AsyncIterator[AsyncIterator[bytes]]:
        url = f"{self.client.base_url}threads/{thread_id}/runs/{turn.run_id}/events"
        last = {"Last-Event-ID": turn.events[-1].id}
        async with self.http.get(url, headers=last) as response:
            response.raise_for_status()
            yield response.content.iter_any()

    async def _read(
        self,
        conversation: Conversation,
        turn: Turn,
        chunks: AsyncIterator[bytes],
        cancel_after: int,
        beside: asyncio.TaskGroup,
    ) -> None:
        reader = EventReader()
        async for chunk in chunks:
            for event in reader.feed(chunk):
                if event.name in {"done", "error"}:
                    return
                data = json.loads(event.data)
                turn.events.append(Event(name=event.name, data=data, id=event.id))
                turn.run_id = turn.run_id or data["id"]
                if len(turn.events) == cancel_after:
                    beside.create_task(self._insist(lambda: self.cancel(conversation, turn)))
                self.progress.advance()

    async def poll(self, conversation: Conversation, turn: Turn) -> None:
        runs: Any = self.client.beta.threads.runs
        thread_id, key = conversation.thread_id, self._key()
        run = await self._insist(
            lambda: runs.create(thread_id, assistant_id=self.assistant_id, extra_headers=key)
        )
        turn.run_id = run.id
        while True:
            run = await self._insist(lambda: runs.poll(turn.run_id, thread_id=thread_id))
            if run.status != "requires_action":
                return
            outputs = answer_calls(run.required_action.to_dict())
            await self._insist(
                partial(
                    runs.submit_tool_outputs,
                    turn.run_id,
                    thread_id=thread_id,
                    tool_outputs=given(outputs),
                )
            )
            turn.outputs.update(outputs)

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        found = await insist(self.cluster, act)
        self.progress.advance()
        return found

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": self._word()}
