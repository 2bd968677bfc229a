"""Reads from the store what a model call is built from."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.v1 import message_pb2, run_pb2
from understudy_server.blobs.port import Blobs
from understudy_server.models.port import ModelRequest, Models
from understudy_server.runs import context, machine, tokens
from understudy_server.runs.ending import read_steps
from understudy_server.runs.holder import Claim
from understudy_server.runs.images import Images
from understudy_server.store import tables
from understudy_server.store.port import Partition, Position, Store
from understudy_server.tools.port import Functions

_PAGE = 100


class History:
    """The thread as the model needs it."""

    def __init__(self, store: Store, blobs: Blobs, models: Models, functions: Functions) -> None:
        self._store = store
        self._images = Images(store, blobs)
        self._models = models
        self._definitions = {known.name: known for known in functions.definitions()}

    async def request(self, claim: Claim, run: run_pb2.Run) -> ModelRequest | machine.Stop:
        """The run's next model call, or how it stops because a budget is used up."""
        rows = await read_steps(self._store, claim.partition, claim.run_id)
        used = machine.total_usage(row.body.usage for row in rows if row.body.HasField("usage"))
        prompt = completion = None
        if run.HasField("max_prompt_tokens"):
            prompt = run.max_prompt_tokens - used.prompt_tokens
        if run.HasField("max_completion_tokens"):
            completion = run.max_completion_tokens - used.completion_tokens
        if completion is not None and completion <= 0:
            return machine.Stop(reason=run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS)
        if prompt is not None and prompt <= 0:
            return machine.Stop(reason=run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
        resolved = self._models.resolve(run.model)
        material = context.Material(
            run=run,
            messages=await self._messages(claim.partition, resolved.context_window),
            steps=[row.body for row in rows],
            resolved=resolved,
            prompt_left=prompt,
            completion_left=completion,
            definitions=self._definitions,
        )
        request = context.build(material)
        # Nothing more can be left out of it, so the call would exceed the budget.
        if prompt is not None and tokens.of_request(request) > prompt:
            return machine.Stop(reason=run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
        return await self._images.show(claim.partition.project, request)

    async def _messages(self, partition: Partition, window: int) -> Sequence[message_pb2.Message]:
        """The newest messages, oldest first: a few more than fit ``window``."""
        found: list[message_pb2.Message] = []
        high: Position | None = None
        left = window
        while left > 0:
            page = await self._store.list(
                partition, tables.messages.kind, high=high, descending=True, limit=_PAGE
            )
            for record in page:
                message = tables.messages.parse(record).body.message
                found.append(message)
                left -= tokens.PER_ITEM + sum(tokens.of_text(p.text.value) for p in message.content)
            if len(page) < _PAGE:
                break
            high = page[-1].position
        found.reverse()
        return found
