"""What no other test shows: the effect of an assistant's fields, of tool outputs, and of ``stream`` over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fidelity.scenes_objects import FUNCTION, MODEL
from tests.fidelity.scenes_runs import assistant_of, thread_of
from tests.fidelity.stage import Stage, open_stage
from tests.fidelity.traffic import Traffic
from tests.upstream import Call
from tests.upstream.conversation import read_conversation


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage(Traffic()) as stage:
        yield stage


# What a run then sends to the provider, in the place where the dialect has it.
_FIELDS: dict[str, tuple[Any, str, Any]] = {
    "model": ("gpt-4o-mini", "model", "gpt-4o-mini"),
    "instructions": ("Be kind.", "instructions", "Be kind."),
    "reasoning_effort": ("low", "reasoning", {"effort": "low"}),
    "tools": ([FUNCTION], "tools", [{"type": "function", **FUNCTION["function"]}]),
    "temperature": (0.5, "temperature", 0.5),
    "top_p": (0.25, "top_p", 0.25),
    "response_format": ({"type": "json_object"}, "text", {"format": {"type": "json_object"}}),
}


@pytest.mark.parametrize("field", _FIELDS)
@pytest.mark.parametrize("operation", ["create", "modify"])
async def test_an_assistant(stage: Stage, operation: str, field: str) -> None:
    given, key, sent = _FIELDS[field]
    # Only models that reason take an effort.
    fields = {"model": "o4-mini" if field == "reasoning_effort" else MODEL}
    if operation == "create":
        made = await stage.api.post("/assistants", {**fields, field: given})
    else:
        made = await stage.api.post("/assistants", fields)
        await stage.api.post(f"/assistants/{made['id']}", {field: given})
    body = {"assistant_id": made["id"], "wait": True}
    run = await stage.api.post(f"/threads/{await thread_of(stage)}/runs", body)
    assert run["status"] == "completed", run["last_error"]
    (exchange,) = stage.upstream.exchanges
    assert exchange.body[key] == sent


async def _waiting(stage: Stage, *names: str) -> Any:
    stage.upstream.queue(*map(Call, names))
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    body = {"assistant_id": await assistant_of(stage, tools=tools), "wait": True}
    return await stage.api.post(f"/threads/{await thread_of(stage)}/runs", body)


def _calls(run: Any) -> list[str]:
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    return [call["id"] for call in calls]


async def test_outputs(stage: Stage) -> None:
    """Each reaches the model as the output of its call, in whichever order they come."""
    run = await _waiting(stage, "f", "g", "h")
    first, second, third = _calls(run)
    outputs: list[dict[str, Any]] = [
        {"tool_call_id": third},
        {"tool_call_id": second, "output": "two"},
        {"tool_call_id": first, "output": "one"},
    ]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    ended = await stage.api.post(path, {"tool_outputs": outputs, "wait": True})
    assert ended["status"] == "completed", ended["last_error"]
    _, again = stage.upstream.exchanges
    sent = {line["call_id"]: line["output"] for line in again.body["input"] if "output" in line}
    assert sent == {first: "one", second: "two", third: ""}
    roles = [line.role for line in read_conversation(again.body)]
    assert roles == ["user", "call", "call", "call", "tool", "tool", "tool"]


@pytest.mark.parametrize(
    "schema", ["CreateRunRequest", "CreateThreadAndRunRequest", "SubmitToolOutputsRunRequest"]
)
async def test_a_stream(stage: Stage, schema: str) -> None:
    """True: every event until the end. False: the object, as without it."""
    for stream in (True, False):
        body: dict[str, Any] = {"assistant_id": await assistant_of(stage)}
        path, first = "/threads/runs", "thread.created"
        if schema == "CreateRunRequest":
            path, first = f"/threads/{await thread_of(stage)}/runs", "thread.run.created"
        elif schema == "SubmitToolOutputsRunRequest":
            run = await _waiting(stage, "f")
            path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
            first = "thread.run.step.completed"
            (call,) = _calls(run)
            body = {"tool_outputs": [{"tool_call_id": call, "output": "o"}]}
        if schema == "CreateThreadAndRunRequest":
            body["thread"] = {"messages": [{"role": "user", "content": "Hi"}]}
        if stream:
            events = [event.name for event in await stage.api.stream(path, body)]
            assert (events[0], events[-2:]) == (first, ["thread.run.completed", "done"])
        else:
            answer = await stage.api.post(path, {**body, "stream": False})
            assert (answer["object"], answer["status"]) == ("thread.run", "queued")
