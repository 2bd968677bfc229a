"""The callbacks of the SDK's event handlers, which either client has a class of its own for."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Clients
from tests.e2e.covering import covers
from tests.e2e.python.hearing import Heard, callbacks, recorder
from tests.e2e.python.reading import answer
from tests.upstream.threaded import ThreadedUpstream

_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
_NEVER = {
    "on_image_file_done": "models answer with text, never with an image",
}
"""Callbacks that nothing here can bring about, and why."""


def _events(*names: str) -> Heard:
    return [("on_event", f"thread.{name}") for name in names]


_BEGUN = _events("run.created", "run.queued", "run.in_progress")
_SPEAKING: Heard = [
    *_events("run.step.created"),
    ("on_run_step_created", "message_creation", "in_progress"),
    *_events("run.step.in_progress", "message.created"),
    ("on_message_created", "in_progress"),
    *_events("message.in_progress", "message.delta"),
    ("on_text_created", "Hel"),
    ("on_text_delta", "Hel", "Hel"),
    ("on_message_delta", "Hel", "Hel"),
    *_events("message.delta"),
    ("on_text_delta", "lo", "Hello"),
    ("on_message_delta", "lo", "Hello"),
]
_SPOKEN: Heard = [
    *_SPEAKING,
    *_events("message.completed"),
    ("on_text_done", "Hello"),
    ("on_message_done", "completed", "Hello"),
    *_events("run.step.completed"),
    ("on_run_step_done", "message_creation", "completed"),
    *_events("run.completed"),
    ("on_end",),
]
_BROKEN: Heard = [
    *_SPEAKING,
    *_events("message.incomplete"),
    ("on_text_done", "Hello"),
    ("on_message_done", "incomplete", "Hello"),
    *_events("run.step.failed"),
    ("on_run_step_done", "message_creation", "failed"),
    *_events("run.failed"),
    ("on_end",),
]
_CALLED: Heard = [
    *_events("run.step.created"),
    ("on_run_step_created", "tool_calls", "in_progress"),
    *_events("run.step.in_progress", "run.step.delta"),
    ("on_tool_call_created", "f", ""),
    ("on_run_step_delta", "", ""),
    *_events("run.step.delta"),
    ("on_tool_call_delta", '{"a":', '{"a":'),
    ("on_run_step_delta", '{"a":', '{"a":'),
    *_events("run.step.delta"),
    ("on_tool_call_delta", " 1}", '{"a": 1}'),
    ("on_run_step_delta", " 1}", '{"a": 1}'),
    *_events("run.step.delta"),
    ("on_tool_call_done", "f", '{"a": 1}'),
    ("on_tool_call_created", "f", ""),
    ("on_run_step_delta", "", '{"a": 1}|'),
    *_events("run.step.delta"),
    ("on_tool_call_delta", "{}", "{}"),
    ("on_run_step_delta", "{}", '{"a": 1}|{}'),
    *_events("run.requires_action"),
    ("on_tool_call_done", "f", "{}"),
    ("on_end",),
]
_RESUMED: Heard = [
    *_events("run.step.completed"),
    ("on_run_step_done", "tool_calls", "completed"),
    *_events("run.queued", "run.in_progress"),
]
_TIMED_OUT: Heard = [("on_timeout",), ("on_exception", "ReadTimeout"), ("on_end",)]
_DELETED: Heard = [("on_exception", "APIError"), ("on_end",)]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_callback_is_heard_or_cannot_be(kind: str) -> None:
    rows = [*_BEGUN, *_SPOKEN, *_BROKEN, *_CALLED, *_RESUMED, *_TIMED_OUT, *_DELETED]
    heard = {name for name, *_ in rows}
    assert heard | _NEVER.keys() == callbacks(kind)
    assert not heard & _NEVER.keys()


def _scripted(*steps: dict[str, Any]) -> dict[str, str]:
    return {"role": "user", "content": f"scripted:{json.dumps(steps)}"}


_HELLO = {"say": ["Hel", "lo"]}


def _prepared(client: Any, model: str, *steps: dict[str, Any]) -> dict[str, str]:
    assistant = client.beta.assistants.create(model=model, tools=[_TOOL])
    thread = client.beta.threads.create(messages=[_scripted(*steps)])
    return {"thread_id": thread.id, "assistant_id": assistant.id}


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def handler(clients: Clients, heard: Heard) -> Callable[[], Any]:
    """Makes handlers that all write into ``heard``."""
    return lambda: recorder(clients.kind, heard)


@covers("beta.threads.runs.stream")
def test_what_a_handler_hears_of_a_run_that_speaks(
    client: Any, model: str, handler: Callable[[], Any], heard: Heard
) -> None:
    run = _prepared(client, model, _HELLO)
    with client.beta.threads.runs.stream(**run, event_handler=handler()) as stream:
        stream.until_done()
    assert heard == [*_BEGUN, *_SPOKEN]


@covers("beta.threads.runs.create_and_stream")
def test_what_a_handler_hears_under_the_old_name(
    client: Any, model: str, handler: Callable[[], Any], heard: Heard
) -> None:
    run = _prepared(client, model, _HELLO)
    with client.beta.threads.runs.create_and_stream(**run, event_handler=handler()) as stream:
        stream.until_done()
    assert heard == [*_BEGUN, *_SPOKEN]


@covers("beta.threads.create_and_run_stream")
def test_what_a_handler_hears_of_a_new_thread(
    client: Any, assistant: Any, handler: Callable[[], Any], heard: Heard
) -> None:
    with client.beta.threads.create_and_run_stream(
        assistant_id=assistant.id,
        thread={"messages": [_scripted(_HELLO)]},
        event_handler=handler(),
    ) as stream:
        stream.until_done()
    assert heard == [*_events("created"), *_BEGUN, *_SPOKEN]


@covers("beta.threads.runs.stream")
def test_what_a_handler_hears_of_a_run_that_fails(
    client: Any, model: str, handler: Callable[[], Any], heard: Heard
) -> None:
    run = _prepared(client, f"single-{model}", _HELLO, {"error": "server_error"})
    with client.beta.threads.runs.stream(**run, event_handler=handler()) as stream:
        stream.until_done()
    assert heard == [*_BEGUN, *_BROKEN]


@covers("beta.threads.runs.stream", "beta.threads.runs.submit_tool_outputs_stream")
def test_what_handlers_hear_of_calls_and_of_their_answers(
    client: Any, model: str, handler: Callable[[], Any], heard: Heard
) -> None:
    calls = [{"call": "f", "arguments": {"a": 1}}, {"call": "f"}]
    text = "scripted:" + json.dumps([calls, [_HELLO]])
    assistant = client.beta.assistants.create(model=model, tools=[_TOOL])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text}])
    with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=handler()
    ) as stream:
        run = stream.get_final_run()
    assert heard == [*_BEGUN, *_CALLED]

    heard.clear()
    asked = run.required_action.submit_tool_outputs.tool_calls
    with client.beta.threads.runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": ""} for call in asked],
        event_handler=handler(),
    ) as stream:
        stream.until_done()
    assert heard == [*_RESUMED, *_SPOKEN]


@covers("beta.threads.runs.stream", "beta.threads.delete")
def test_what_a_handler_hears_when_the_thread_is_deleted(
    client: Any,
    model: str,
    handler: Callable[[], Any],
    heard: Heard,
    marker: str,
    upstream: ThreadedUpstream,
) -> None:
    run = _prepared(client, model, _HELLO, {"gate": marker})
    with (
        pytest.raises(openai.APIError),
        client.beta.threads.runs.stream(**run, event_handler=handler()) as stream,
    ):
        for event in stream:
            if event.event == "thread.message.created":
                client.beta.threads.delete(run["thread_id"])
    upstream.release(marker)
    assert heard[-len(_DELETED) :] == _DELETED


@covers("beta.threads.runs.stream", "beta.threads.runs.list", "beta.threads.runs.poll")
def test_what_a_handler_hears_when_the_client_loses_patience(
    clients: Clients,
    client: Any,
    model: str,
    handler: Callable[[], Any],
    heard: Heard,
    marker: str,
    upstream: ThreadedUpstream,
) -> None:
    run = _prepared(client, model, {"gate": marker}, _HELLO)
    impatient = clients.open(answered=_lose_patience)
    with (
        pytest.raises(Exception, match=r".*") as caught,
        impatient.beta.threads.runs.stream(**run, event_handler=handler()) as stream,
    ):
        stream.until_done()
    assert type(caught.value).__name__ == "ReadTimeout"
    assert heard[-len(_TIMED_OUT) :] == _TIMED_OUT
    # The run does not notice.
    upstream.release(marker)
    (begun,) = client.beta.threads.runs.list(run["thread_id"])
    done = client.beta.threads.runs.poll(begun.id, thread_id=run["thread_id"])
    assert (done.status, answer(client, run["thread_id"])) == ("completed", "Hello")


def _lose_patience(response: Any) -> None:
    """From now on this response has a millisecond for each piece; it has begun, however slowly."""
    response.request.extensions["timeout"]["read"] = 0.001
