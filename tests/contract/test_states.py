"""What the state of a run forbids is 400, since SDKs silently repeat a 409; what it does not is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.client import Answer, Api
from tests.upstream.threaded import ThreadedUpstream

_TOOLS = [{"type": "function", "function": {"name": "ping"}}]


def _is_state_error(answer: Answer, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    assert (answer.status, answer.error) == (400, error)


@pytest.fixture
async def working(api: Api, upstream: ThreadedUpstream) -> AsyncIterator[dict[str, Any]]:
    """A run in the middle of its answer, which goes on when the test is over."""
    gate = uuid4().hex
    assistant = await api.assistant(model="responses/any")
    thread = await api.thread(f'scripted:[{{"say": "a"}}, {{"gate": "{gate}"}}]')
    path = f"/threads/{thread['id']}/runs"
    run = await api.post(path, {"assistant_id": assistant["id"]})
    await asyncio.to_thread(upstream.reached, gate)
    yield run
    await asyncio.to_thread(upstream.release, gate)


def _path(run: dict[str, Any]) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


async def test_while_a_run_works(api: Api, working: dict[str, Any]) -> None:
    thread, run = working["thread_id"], working["id"]
    message = {"role": "user", "content": "x"}
    _is_state_error(
        await api.call("POST", f"/threads/{thread}/messages", message),
        f"Can't add messages to {thread} while a run {run} is active.",
    )
    for stream in (False, True):
        body = {"assistant_id": working["assistant_id"], "stream": stream}
        _is_state_error(
            await api.call("POST", f"/threads/{thread}/runs", body),
            f"Thread {thread} already has an active run {run}.",
        )
        outputs = [{"tool_call_id": "call_x", "output": ""}]
        _is_state_error(
            await api.call(
                "POST",
                f"{_path(working)}/submit_tool_outputs",
                {"tool_outputs": outputs, "stream": stream},
            ),
            'Runs in status "in_progress" do not accept tool outputs.',
        )


async def test_what_a_working_run_does_not_forbid(api: Api, working: dict[str, Any]) -> None:
    thread = f"/threads/{working['thread_id']}"
    assert (await api.get(_path(working)))["status"] == "in_progress"
    changed = await api.post(_path(working), {"metadata": {"a": "b"}})
    assert changed["metadata"] == {"a": "b"}
    assert (await api.post(thread, {"metadata": {"c": "d"}}))["metadata"] == {"c": "d"}
    *_, first = (await api.get(f"{thread}/messages"))["data"]
    message = f"{thread}/messages/{first['id']}"
    assert (await api.post(message, {"metadata": {"e": "f"}}))["metadata"] == {"e": "f"}
    assert (await api.delete(message))["deleted"] is True
    assert len((await api.get(f"{_path(working)}/steps"))["data"]) == 1


async def test_cancel_and_cancel_again(api: Api, working: dict[str, Any]) -> None:
    path = f"{_path(working)}/cancel"
    assert (await api.post(path))["status"] in {"cancelling", "cancelled"}
    events = (await api.call("GET", f"{_path(working)}/events")).events()
    assert [event.name for event in events][-2:] == ["thread.run.cancelled", "done"]
    _is_state_error(await api.call("POST", path), "Cannot cancel run with status 'cancelled'.")
    run = await api.get(_path(working))
    assert (run["status"], run["expires_at"], run["required_action"]) == ("cancelled", None, None)
    assert run["cancelled_at"] is not None
    message = {"role": "user", "content": "x"}
    assert await api.post(f"/threads/{working['thread_id']}/messages", message)


@pytest.mark.parametrize("stream", [False, True])
async def test_outputs_of_a_run_that_waited_until_it_was_cancelled(api: Api, stream: bool) -> None:
    assistant = await api.assistant(tools=_TOOLS)
    run = await api.run(assistant, await api.thread("call ping"))
    assert run["status"] == "requires_action"
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert (await api.post(f"{_path(run)}/cancel"))["status"] == "cancelled"
    outputs = [{"tool_call_id": call["id"], "output": "pong"}]
    body = {"tool_outputs": outputs, "stream": stream}
    _is_state_error(
        await api.call("POST", f"{_path(run)}/submit_tool_outputs", body),
        'Runs in status "cancelled" do not accept tool outputs.',
    )


async def test_a_run_that_waits_and_goes_on(api: Api) -> None:
    """`required_action` and `started_at` as the real service changes them."""
    assistant = await api.assistant(tools=_TOOLS)
    run = await api.run(assistant, await api.thread("call ping"))
    assert list(run["required_action"]) == ["type", "submit_tool_outputs"]
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert list(call) == ["id", "type", "function"]
    assert (call["function"]["name"], run["usage"]) == ("ping", None)
    assert run["expires_at"] == run["created_at"] + 600
    *_, asked, _ = (await api.call("GET", f"{_path(run)}/events")).events()
    assert asked.name == "thread.run.requires_action"
    body = {"tool_outputs": [{"tool_call_id": call["id"], "output": "pong"}]}
    queued = await api.post(f"{_path(run)}/submit_tool_outputs", body)
    assert (queued["status"], queued["required_action"]) == ("queued", None)
    assert queued["started_at"] == run["started_at"]
    events = (await api.call("GET", f"{_path(run)}/events?after={asked.id}")).events()
    assert events[0].name == "thread.run.step.completed"
    assert events[-2].name == "thread.run.completed"
    steps = (await api.get(f"{_path(run)}/steps?order=asc"))["data"]
    assert [step["type"] for step in steps] == ["tool_calls", "message_creation"]
    (made,) = steps[0]["step_details"]["tool_calls"]
    assert made["function"] == {**call["function"], "output": "pong"}


async def test_a_tool_that_is_not_available(api: Api) -> None:
    assistant = await api.assistant(tools=[*_TOOLS, {"type": "code_interpreter"}])
    thread = await api.thread("x")
    for stream in (False, True):
        body = {"assistant_id": assistant["id"], "stream": stream}
        answer = await api.call("POST", f"/threads/{thread['id']}/runs", body)
        assert answer.status == 400
        assert answer.error["param"] == "tools[1].type"
        assert answer.error["code"] == "unsupported_tool"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_cannot_be(api: Api, stream: bool) -> None:
    """Models have any name that their provider knows, but they have one."""
    assistant = await api.assistant(model="demo/")
    body = {"assistant_id": assistant["id"], "stream": stream}
    answer = await api.call("POST", "/threads/runs", body)
    assert answer.status == 404
    assert answer.error == {
        "message": "The model 'demo/' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
