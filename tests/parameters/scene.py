"""A whole core over the scripted upstream, and the two requests that begin a run."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from google.protobuf.descriptor import Descriptor

from tests.parameters.dialects import DIALECTS, MODEL, Body, Dialect
from tests.upstream import ScriptedUpstream
from tests.upstream.conversation import Line, read_conversation
from understudy.v1 import (
    assistant_pb2,
    event_pb2,
    message_pb2,
    pagination_pb2,
    run_pb2,
    run_step_pb2,
    thread_pb2,
)
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy_server.clock import SystemClock
from understudy_server.local import local
from understudy_server.models.opener import open_models
from understudy_server.models.provider import ModelsConfig, ProviderConfig

if TYPE_CHECKING:
    from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceAsyncStub

Entry: TypeAlias = Literal["CreateRun", "CreateThreadAndRun"]
SMALL, SMALL_WINDOW = "small", 300
"""A model, and how many tokens it takes."""

_REQUESTS: dict[Entry, Descriptor] = {
    "CreateRun": run_pb2.CreateRunRequest.DESCRIPTOR,
    "CreateThreadAndRun": run_pb2.CreateThreadAndRunRequest.DESCRIPTOR,
}
ENTRIES: tuple[Entry, ...] = ("CreateRun", "CreateThreadAndRun")
FIELDS: dict[Entry, frozenset[str]] = {
    entry: frozenset(field.name for field in request.fields) for entry, request in _REQUESTS.items()
}


def user(text: str) -> dict[str, Any]:
    """A ``NewMessage``."""
    return {"role": "MESSAGE_ROLE_USER", "content": {"text": text}}


IMAGE_URL = "https://example.com/a.png"


def image(detail: str | None = None) -> dict[str, Any]:
    """A ``NewMessage`` of a text and an image."""
    shown = {"url": IMAGE_URL, **({} if detail is None else {"detail": detail})}
    parts = [{"text": "What?"}, {"image_url": shown}]
    return {"role": "MESSAGE_ROLE_USER", "content": {"parts": {"parts": parts}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The core and its upstream."""

    dialect: Dialect
    upstream: ScriptedUpstream
    stub: AssistantsServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one test does on a stage, with one of the requests."""

    stage: Stage
    entry: Entry

    @property
    def dialect(self) -> Dialect:
        return self.stage.dialect

    @property
    def upstream(self) -> ScriptedUpstream:
        return self.stage.upstream

    @property
    def stub(self) -> AssistantsServiceAsyncStub:
        return self.stage.stub

    async def assistant(self, **fields: Any) -> str:
        request = assistant_pb2.CreateAssistantRequest(**{"model": MODEL, **fields})
        return (await self.stub.CreateAssistant(request)).id

    async def thread(self, *messages: Any) -> str:
        request = thread_pb2.CreateThreadRequest(messages=messages)
        return (await self.stub.CreateThread(request)).id

    async def run(
        self, *messages: Any, assistant: dict[str, Any] | None = None, **fields: Any
    ) -> run_pb2.Run:
        """The run as it stands when it has ended or needs action, unless ``wait`` says otherwise."""
        request = await self._request(messages, assistant, {"wait": True, **fields})
        if isinstance(request, run_pb2.CreateRunRequest):
            return await self.stub.CreateRun(request)
        return await self.stub.CreateThreadAndRun(request)

    async def stream(self, *messages: Any, **fields: Any) -> list[event_pb2.RunEvent]:
        request = await self._request(messages, None, fields)
        batches: AsyncIterable[event_pb2.RunEventBatch] = (
            self.stub.StreamCreateRun(request)
            if isinstance(request, run_pb2.CreateRunRequest)
            else self.stub.StreamCreateThreadAndRun(request)
        )
        return [event async for batch in batches for event in batch.events]

    async def submit(self, run: run_pb2.Run, output: str = "done") -> run_pb2.Run:
        """The same output for each call that waits."""
        request = run_pb2.SubmitToolOutputsRequest(
            thread_id=run.thread_id,
            run_id=run.id,
            tool_outputs=[
                run_pb2.ToolOutput(tool_call_id=call.id, output=output)
                for call in run.required_action.submit_tool_outputs.tool_calls
            ],
            wait=True,
        )
        return await self.stub.SubmitToolOutputs(request)

    async def messages(self, thread_id: str) -> Sequence[message_pb2.Message]:
        """Oldest first."""
        request = message_pb2.ListMessagesRequest(
            thread_id=thread_id, order=pagination_pb2.SORT_ORDER_ASC
        )
        return (await self.stub.ListMessages(request)).data

    async def steps(self, run: run_pb2.Run) -> Sequence[run_step_pb2.RunStep]:
        """Oldest first."""
        request = run_step_pb2.ListRunStepsRequest(
            thread_id=run.thread_id, run_id=run.id, order=pagination_pb2.SORT_ORDER_ASC
        )
        return (await self.stub.ListRunSteps(request)).data

    @property
    def bodies(self) -> list[Body]:
        """Every request that reached the upstream."""
        return [exchange.body for exchange in self.upstream.exchanges]

    @property
    def body(self) -> Body:
        """The only one."""
        (body,) = self.bodies
        return body

    def said(self, index: int = -1) -> list[str]:
        """The texts of a request's messages, without instructions, calls and outputs."""
        return [line.text for line in self.lines(index) if line.role in {"user", "assistant"}]

    def lines(self, index: int = -1) -> list[Line]:
        return read_conversation(self.bodies[index])

    async def _request(
        self, messages: Sequence[Any], assistant: dict[str, Any] | None, fields: dict[str, Any]
    ) -> run_pb2.CreateRunRequest | run_pb2.CreateThreadAndRunRequest:
        given = dict(fields)
        if "assistant_id" not in given:
            given["assistant_id"] = await self.assistant(**(assistant or {}))
        said = messages or (user("Hi"),)
        if self.entry == "CreateRun":
            if "thread_id" not in given:
                given["thread_id"] = await self.thread(*said)
            return run_pb2.CreateRunRequest(**given)
        return run_pb2.CreateThreadAndRunRequest(**{"thread": {"messages": said}, **given})


@asynccontextmanager
async def open_stage(dialect: Dialect) -> AsyncIterator[Stage]:
    """The default provider speaks ``dialect``; another one, ``other``, speaks the other."""
    (other,) = (known for known in DIALECTS if known is not dialect)
    numbers = count(1)
    async with ScriptedUpstream() as upstream:
        providers = tuple(
            ProviderConfig(
                name=name,
                dialect=spoken.name,
                base_url=upstream.base_url,
                api_key=upstream.api_key,
                model_windows={SMALL: SMALL_WINDOW},
                max_retries=0,
            )
            for name, spoken in (("main", dialect), ("other", other))
        )
        models = open_models(
            ModelsConfig(providers=providers, default_provider="main"),
            clock=SystemClock(),
            new_call_id=lambda: f"call_{next(numbers)}",
            jitter=lambda: 0.0,
        )
        try:
            async with local(store="memory://", models=models, copy=True) as channel:
                stub = AssistantsServiceStub(channel)
                yield Stage(dialect=dialect, upstream=upstream, stub=stub)
        finally:
            await models.close()
