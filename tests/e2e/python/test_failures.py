"""A model that fails: the run ends as failed, with the reason, polled and streamed alike."""

import json
from typing import Any

import pytest

from tests.e2e.covering import covers


def _refuse(status: int, code: str) -> dict[str, Any]:
    return {"fail": status, "code": code, "times": 1_000_000}


_FAILURES = [
    pytest.param([_refuse(429, "rate_limit_exceeded")], "rate_limit_exceeded", id="429"),
    pytest.param([_refuse(429, "insufficient_quota")], "rate_limit_exceeded", id="quota"),
    pytest.param([_refuse(500, "server_error")], "server_error", id="500"),
    pytest.param([_refuse(400, "invalid_value")], "server_error", id="400"),
    pytest.param([{"drop": True}], "server_error", id="dropped-at-once"),
    pytest.param([{"say": ["half a "]}, {"drop": True}], "server_error", id="dropped-midway"),
    pytest.param(
        [{"say": ["half a "]}, {"error": "server_error"}], "server_error", id="error-event"
    ),
    pytest.param([{"say": ["x"]}, {"raw": "data: {oops\n\n"}], "server_error", id="no-json"),
]


_STALLS = [
    pytest.param([{"stall": True}], id="at-once"),
    pytest.param([{"say": ["half a "]}, {"stall": True}], id="midway"),
]


@pytest.fixture
def single(client: Any, dialect: str) -> Any:
    """An assistant whose provider is not tried again."""
    return client.beta.assistants.create(model=f"single-{dialect}/scripted-model")


def _thread(client: Any, script: list[dict[str, Any]]) -> Any:
    text = f"scripted:{json.dumps(script)}"
    return client.beta.threads.create(messages=[{"role": "user", "content": text}])


@covers("beta.threads.runs.create_and_poll")
@pytest.mark.parametrize("clients", ["sync"], indirect=True)
@pytest.mark.parametrize(("script", "code"), _FAILURES)
def test_polled(client: Any, single: Any, script: list[dict[str, Any]], code: str) -> None:
    thread = _thread(client, script)
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=single.id)
    _failed(client, run, script, code)


@covers("beta.threads.runs.stream")
@pytest.mark.parametrize(("script", "code"), _FAILURES)
def test_streamed(client: Any, single: Any, script: list[dict[str, Any]], code: str) -> None:
    thread = _thread(client, script)
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=single.id) as stream:
        names = [event.event for event in stream]
        run = stream.get_final_run()
    assert (run.status, run.last_error.code) == ("failed", code)
    assert names[-3:] == _last_events(script)


@covers("beta.threads.runs.stream", "beta.threads.runs.retrieve")
@pytest.mark.parametrize("clients", ["sync"], indirect=True)
@pytest.mark.parametrize("script", _STALLS)
def test_silence(client: Any, dialect: str, script: list[dict[str, Any]]) -> None:
    impatient = client.beta.assistants.create(model=f"impatient-{dialect}/scripted-model")
    thread = _thread(client, script)
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=impatient.id) as stream:
        names = [event.event for event in stream]
        run = stream.get_final_run()
    assert names[-3:] == _last_events(script)
    assert client.beta.threads.runs.retrieve(run.id, thread_id=thread.id) == run
    _failed(client, run, script, "server_error")


def _failed(client: Any, run: Any, script: list[dict[str, Any]], code: str) -> None:
    """The run tells what happened, its message is kept as far as it came, its thread is free."""
    assert (run.status, run.last_error.code) == ("failed", code)
    assert run.last_error.message
    assert run.failed_at >= run.created_at
    assert (run.completed_at, run.expires_at) == (None, None)
    said = "say" in script[0]
    messages = client.beta.threads.messages.list(run.thread_id).data
    assert len(messages) == 1 + said
    if said:
        assert messages[0].status == "incomplete"
        assert messages[0].incomplete_details.reason == "run_failed"
    client.beta.threads.messages.create(run.thread_id, role="user", content="again")


def _last_events(script: list[dict[str, Any]]) -> list[str]:
    """How the stream of a failed run ends, whether or not the model had begun to speak."""
    if "say" in script[0]:
        return ["thread.message.incomplete", "thread.run.step.failed", "thread.run.failed"]
    return ["thread.run.queued", "thread.run.in_progress", "thread.run.failed"]


@covers("beta.threads.create_and_run_poll")
def test_a_refused_key(client: Any, dialect: str) -> None:
    assistant = client.beta.assistants.create(model=f"unwelcome-{dialect}/scripted-model")
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "hi"}]}
    )
    assert (run.status, run.last_error.code) == ("failed", "server_error")
    assert "sk-wrong-0123456789" not in run.last_error.message


@covers("beta.threads.runs.create_and_poll")
def test_what_passes_is_tried_again(client: Any, assistant: Any, marker: str) -> None:
    # The upstream counts its failures by the text, which the marker makes our own.
    fails = {"fail": 500, "retry_after": 0.01, "times": 2}
    thread = _thread(client, [fails, {"say": [marker]}])
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.status, run.last_error) == ("completed", None)


@covers("beta.threads.runs.create_and_poll")
def test_too_long_an_answer_is_incomplete(client: Any, assistant: Any) -> None:
    thread = _thread(client, [{"say": ["half"]}, {"finish": "length"}])
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_completion_tokens=256
    )
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    message = client.beta.threads.messages.list(thread.id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "max_tokens")
