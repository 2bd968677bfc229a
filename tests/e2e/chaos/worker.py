"""What each client does while there is trouble, whichever way it reaches the server."""

from __future__ import annotations

import asyncio
import random
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import get_args
from uuid import UUID

import openai

from tests.e2e.chaos.ledger import Conversation, Labels, Plan, Shape, Turn
from tests.e2e.chaos.progress import Progress

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
            },
        },
    }
    for name in ("ask", "shout")
]


@dataclass(kw_only=True)
class Worker:
    """Has conversations until the trouble is over; ``work`` finishes the turn that it is in."""

    client: openai.AsyncOpenAI
    assistant_id: str
    source: random.Random
    progress: Progress
    over: asyncio.Event
    conversations: list[Conversation] = field(default_factory=list)

    async def work(self) -> None:
        while not self.over.is_set():
            conversation = Conversation(thread_id=await self.create_thread())
            self.conversations.append(conversation)
            for _ in range(self.source.randint(1, 3)):
                await self._turn(conversation)
                if self.source.random() < 0.5:
                    await self.label_thread(conversation)
                if self.source.random() < 0.5:
                    text = self._word()
                    await self.say(conversation, text)
                    conversation.said.append(text)

    async def _turn(self, conversation: Conversation) -> None:
        shape = self.source.choice(get_args(Shape))
        turn = Turn(plan=Plan.drawn(shape, self.source))
        cancel_after = self.source.randint(1, 30) if shape == "long" else 0
        await self.say(conversation, turn.plan.question)
        conversation.turns.append(turn)
        if shape == "long" or self.source.random() < 0.6:
            await self.stream(conversation, turn, cancel_after)
        else:
            await self.poll(conversation, turn)

    def _word(self) -> str:
        return UUID(int=self.source.getrandbits(128)).hex

    @property
    def _once(self) -> openai.AsyncOpenAI:
        return self.client.with_options(max_retries=0)

    async def label_thread(self, conversation: Conversation) -> None:
        value = self._word()
        update = self._once.beta.threads.update(conversation.thread_id, metadata={"label": value})
        await self.label(conversation.labels, value, update)

    async def label_run(self, conversation: Conversation, turn: Turn) -> None:
        value = self._word()
        update = self._once.beta.threads.runs.update(
            turn.run_id, thread_id=conversation.thread_id, metadata={"label": value}
        )
        await self.label(turn.labels, value, update)

    async def label(self, labels: Labels, value: str, update: object) -> None:
        """A change is never repeated for its client, so it may fail; then nobody knows."""
        try:
            await update  # type: ignore[misc]  # either of the two calls above
        except (openai.APIConnectionError, openai.InternalServerError):
            labels.unknown.add(value)
        else:
            labels.acknowledged = value
            self.progress.advance()

    async def cancel(self, conversation: Conversation, turn: Turn) -> None:
        turn.cancel_tried = True
        try:
            await self.client.beta.threads.runs.cancel(
                turn.run_id, thread_id=conversation.thread_id
            )
        except openai.BadRequestError as error:
            # Another cancel of ours cannot be; it has ended in some other way.
            assert "Cannot cancel run with status" in error.message, error  # noqa: PT017
        else:
            turn.cancelled = True
            self.progress.advance()

    @abstractmethod
    async def create_thread(self) -> str: ...

    @abstractmethod
    async def say(self, conversation: Conversation, text: str) -> None:
        """Adds a user message, once."""

    @abstractmethod
    async def stream(self, conversation: Conversation, turn: Turn, cancel_after: int) -> None:
        """Reads the run from its creation to its end; cancels it after so many events, if not 0."""

    @abstractmethod
    async def poll(self, conversation: Conversation, turn: Turn) -> None:
        """Asks again and again until the run has ended."""
