"""A client that is nothing but the SDK, without retries, and that is to notice nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.e2e.chaos.ledger import Conversation, Event, Turn, answer_calls, given
from tests.e2e.chaos.worker import Worker


@dataclass(kw_only=True)
class SdkWorker(Worker):
    async def create_thread(self) -> str:
        thread = await self.client.beta.threads.create(metadata={"label": ""})
        self.progress.advance()
        return thread.id

    async def say(self, conversation: Conversation, text: str) -> None:
        await self.client.beta.threads.messages.create(
            conversation.thread_id, role="user", content=text
        )
        self.progress.advance()

    async def stream(self, conversation: Conversation, turn: Turn, cancel_after: int) -> None:
        runs: Any = self.client.beta.threads.runs
        manager = runs.stream(thread_id=conversation.thread_id, assistant_id=self.assistant_id)
        async with asyncio.TaskGroup() as beside:
            while True:
                async with manager as stream:
                    async for event in stream:
                        self._take(conversation, turn, event, cancel_after, beside)
                    run = await stream.get_final_run()
                if run.status != "requires_action":
                    break
                outputs = answer_calls(run.required_action.to_dict())
                turn.outputs.update(outputs)
                manager = runs.submit_tool_outputs_stream(
                    run_id=run.id,
                    thread_id=conversation.thread_id,
                    tool_outputs=given(outputs),
                )
        turn.streamed = True

    def _take(
        self,
        conversation: Conversation,
        turn: Turn,
        event: Any,
        cancel_after: int,
        beside: asyncio.TaskGroup,
    ) -> None:
        turn.events.append(Event(name=event.event, data=event.data.to_dict()))
        if event.event == "thread.run.created":
            turn.run_id = event.data.id
            if self.source.random() < 0.3:
                beside.create_task(self.label_run(conversation, turn))
        if len(turn.events) == cancel_after:
            beside.create_task(self.cancel(conversation, turn))
        self.progress.advance()

    async def poll(self, conversation: Conversation, turn: Turn) -> None:
        runs: Any = self.client.beta.threads.runs
        run = await runs.create_and_poll(
            thread_id=conversation.thread_id, assistant_id=self.assistant_id
        )
        turn.run_id = run.id
        self.progress.advance()
        while run.status == "requires_action":
            outputs = answer_calls(run.required_action.to_dict())
            turn.outputs.update(outputs)
            run = await runs.submit_tool_outputs_and_poll(
                run_id=run.id,
                thread_id=conversation.thread_id,
                tool_outputs=given(outputs),
            )
            self.progress.advance()
