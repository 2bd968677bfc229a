"""The callbacks of the SDK's event handlers, which either client has a class of its own for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AssistantEventHandler, AsyncAssistantEventHandler

from tests.background import BackgroundLoop
from tests.e2e.conftest import Site
from tests.e2e.covering import covers

_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


class Recorder(AssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def on_end(self) -> None:
        self.heard.append("end")

    def on_exception(self, exception: Exception) -> None:
        self.heard.append(exception)

    def on_message_created(self, message: Any) -> None:
        self.heard.append(("message", message.status))

    def on_message_done(self, message: Any) -> None:
        self.heard.append(("message", message.status))

    def on_text_created(self, text: Any) -> None:
        self.heard.append(("text", text.value))

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.heard.append(("delta", delta.value, snapshot.value))

    def on_text_done(self, text: Any) -> None:
        self.heard.append(("text", text.value))

    def on_run_step_created(self, run_step: Any) -> None:
        self.heard.append(("step", run_step.type, run_step.status))

    def on_run_step_done(self, run_step: Any) -> None:
        self.heard.append(("step", run_step.type, run_step.status))

    def on_tool_call_created(self, tool_call: Any) -> None:
        self.heard.append(("call", tool_call.function.name, tool_call.function.arguments))

    def on_tool_call_done(self, tool_call: Any) -> None:
        self.heard.append(("call", tool_call.function.name, tool_call.function.arguments))


class AsyncRecorder(AsyncAssistantEventHandler):
    """Hears the same as ``Recorder``, through it."""

    def __init__(self) -> None:
        super().__init__()
        self.recorder = Recorder()

    async def on_end(self) -> None:
        self.recorder.on_end()

    async def on_exception(self, exception: Exception) -> None:
        self.recorder.on_exception(exception)

    async def on_message_created(self, message: Any) -> None:
        self.recorder.on_message_created(message)

    async def on_message_done(self, message: Any) -> None:
        self.recorder.on_message_done(message)

    async def on_text_created(self, text: Any) -> None:
        self.recorder.on_text_created(text)

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.recorder.on_text_delta(delta, snapshot)

    async def on_text_done(self, text: Any) -> None:
        self.recorder.on_text_done(text)

    async def on_run_step_created(self, run_step: Any) -> None:
        self.recorder.on_run_step_created(run_step)

    async def on_run_step_done(self, run_step: Any) -> None:
        self.recorder.on_run_step_done(run_step)

    async def on_tool_call_created(self, tool_call: Any) -> None:
        self.recorder.on_tool_call_created(tool_call)

    async def on_tool_call_done(self, tool_call: Any) -> None:
        self.recorder.on_tool_call_done(tool_call)


_SPOKEN = [{"say": ["Hel", "lo"]}]
_SPOKEN_HEARD = [
    ("step", "message_creation", "in_progress"),
    ("message", "in_progress"),
    ("text", "Hel"),
    ("delta", "Hel", "Hel"),
    ("delta", "lo", "Hello"),
    ("text", "Hello"),
    ("message", "completed"),
    ("step", "message_creation", "completed"),
    "end",
]
_CALLED = [{"call": "f", "arguments": {"a": 1}}, {"call": "f", "arguments": {"a": 2}}]
_CALLED_HEARD = [
    ("step", "tool_calls", "in_progress"),
    ("call", "f", ""),
    ("call", "f", '{"a": 1}'),
    ("call", "f", ""),
    ("call", "f", '{"a": 2}'),
    "end",
]


@pytest.fixture
def sync_client(site: Site) -> Iterator[Any]:
    with openai.OpenAI(base_url=site.url, api_key=site.deployment.key) as client:
        yield client


def _prepare(client: Any, model: str, script: list[Any]) -> dict[str, str]:
    assistant = client.beta.assistants.create(model=model, tools=[_TOOL])
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": f"scripted:{json.dumps(script)}"}]
    )
    return {"thread_id": thread.id, "assistant_id": assistant.id}


@covers("beta.threads.runs.stream")
@pytest.mark.parametrize(("script", "heard"), [(_SPOKEN, _SPOKEN_HEARD), (_CALLED, _CALLED_HEARD)])
def test_a_handler(sync_client: Any, model: str, script: list[Any], heard: list[Any]) -> None:
    recorder = Recorder()
    run = _prepare(sync_client, model, script)
    with sync_client.beta.threads.runs.stream(**run, event_handler=recorder) as stream:
        stream.until_done()
    assert recorder.heard == heard


@covers("beta.threads.runs.stream")
@pytest.mark.parametrize(("script", "heard"), [(_SPOKEN, _SPOKEN_HEARD), (_CALLED, _CALLED_HEARD)])
def test_an_asynchronous_handler(
    sync_client: Any,
    site: Site,
    loop: BackgroundLoop,
    model: str,
    script: list[Any],
    heard: list[Any],
) -> None:
    handler = AsyncRecorder()
    run = _prepare(sync_client, model, script)

    async def listen() -> None:
        client: Any = openai.AsyncOpenAI(base_url=site.url, api_key=site.deployment.key)
        async with (
            client,
            client.beta.threads.runs.stream(**run, event_handler=handler) as stream,
        ):
            await stream.until_done()

    loop.run(listen())
    assert handler.recorder.heard == heard
