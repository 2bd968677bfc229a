"""Runs to every end, and the steps and messages that they leave."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.contract.client import Event
from tests.fidelity.scenes_objects import FUNCTION, lists, nulls
from tests.fidelity.scenes_runs import INCLUDE, assistant_of, thread_of
from tests.fidelity.stage import Stage
from tests.upstream import Call, Error, Fail, Finish, Gate, Refuse, Report, Say, Step
from understudy_server.runs.machine import EXPIRES_AFTER


async def _begun(stage: Stage, *script: Step, **fields: Any) -> Any:
    """A run of which nobody has heard since."""
    stage.upstream.queue(*script)
    assistant = await assistant_of(stage, tools=[FUNCTION])
    path = f"/threads/{await thread_of(stage)}/runs"
    return await stage.api.post(path, {"assistant_id": assistant, **fields})


async def _ended(stage: Stage, run: Any) -> list[Event]:
    """The events of a run; all that it left is read, too."""
    events = await stage.api.events(run)
    path = f"/threads/{run['thread_id']}"
    await stage.api.get(f"{path}/runs/{run['id']}")
    await stage.api.get(f"{path}/runs/{run['id']}/steps")
    await stage.api.get(f"{path}/messages")
    return events


async def answers(stage: Stage) -> None:
    """Whole ones, refusals, and those that break off."""
    for script, end in (
        ((Say("Hel", "lo"),), "completed"),
        ((Refuse("I will not."),), "completed"),
        ((Say("Hel"), Finish("length")), "incomplete"),
        ((Say("Hel"), Finish("content_filter")), "incomplete"),
        ((Say("Hel"), Error("server_error")), "failed"),
        ((Say("Hel"), Error("rate_limit_exceeded")), "failed"),
        ((Fail(400, "Too long.", code="context_length_exceeded"),), "failed"),
    ):
        run = await _begun(stage, *script)
        events = await _ended(stage, run)
        assert events[-2].name == f"thread.run.{end}"


async def budgets(stage: Stage) -> None:
    stage.upstream.queue(Call("f"), Report((2000, 1, 0, 0)))
    run = await _begun(stage, max_prompt_tokens=1000, wait=True)
    submitted = {**_outputs(run), **nulls("SubmitToolOutputsRunRequest")}
    await stage.api.post(f"{_path(run)}/submit_tool_outputs", submitted)
    events = await _ended(stage, run)
    assert events[-2].data["incomplete_details"] == {"reason": "max_prompt_tokens"}


async def calls(stage: Stage) -> None:
    """Two at once after some words, answered; then more words."""
    run = await _begun(stage, Say("Wait."), Call("f", '{"b":"1"}'), Call("f"), wait=True)
    assert run["status"] == "requires_action"
    await _ended(stage, run)
    stage.upstream.queue(Say("Done."))
    submitted = f"{_path(run)}/submit_tool_outputs"
    events = await stage.api.stream(submitted, _outputs(run))
    assert events[-2].name == "thread.run.completed"
    await _ended(stage, run)
    steps = await stage.api.get(f"{_path(run)}/steps?order=asc&{INCLUDE}")
    first = steps["data"][0]["id"]
    await stage.api.get(f"{_path(run)}/steps/{first}?{INCLUDE}")
    await lists(stage, f"{_path(run)}/steps", [step["id"] for step in steps["data"]])
    (made,) = [step for step in steps["data"] if step["type"] == "tool_calls"]
    for given, kept in zip(
        _outputs(run)["tool_outputs"], made["step_details"]["tool_calls"], strict=True
    ):
        read = {"tool_call_id": kept["id"], "output": kept["function"]["output"]}
        stage.api.traffic.note_kept(
            "SubmitToolOutputsRunRequest", {"tool_outputs": [given]}, {"tool_outputs": [read]}
        )
    page = f"/threads/{run['thread_id']}/messages?run_id={run['id']}"
    written = (await stage.api.get(f"{page}&order=asc"))["data"]
    assert len(written) == 2
    await lists(stage, page, [message["id"] for message in written])


async def waiting_and_cancelled(stage: Stage) -> None:
    run = await _begun(stage, Call("f"), wait=True)
    await stage.api.post(f"{_path(run)}/cancel")
    events = await _ended(stage, run)
    assert [event.name for event in events][-3:-1] == [
        "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]


async def speaking_and_cancelled(stage: Stage) -> None:
    run = await _begun(stage, Say("Hel"), Gate("cancelled"), Say("lo"))
    await stage.upstream.reached("cancelled")
    await stage.api.post(f"{_path(run)}/cancel")
    events = await _ended(stage, run)
    stage.upstream.release("cancelled")
    assert events[-2].name == "thread.run.cancelled"


async def waiting_and_expired(stage: Stage) -> None:
    run = await _begun(stage, Call("f"), wait=True)
    await stage.clock.advance(EXPIRES_AFTER + 3)
    events = await _ended(stage, run)
    assert events[-2].name == "thread.run.expired"


async def speaking_and_expired(stage: Stage) -> None:
    run = await _begun(stage, Say("Hel"), Gate("expired"), Say("lo"))
    await stage.upstream.reached("expired")
    listening = asyncio.create_task(stage.api.events(run))
    await stage.clock.advance(EXPIRES_AFTER + 3)
    await listening
    stage.upstream.release("expired")
    events = await _ended(stage, run)
    assert events[-2].name == "thread.run.expired"


async def a_thread_that_goes_away(stage: Stage) -> None:
    """The only stream that ends with an error."""
    stage.upstream.queue(Say("Hel"), Gate("gone"), Say("lo"))
    thread, assistant = await thread_of(stage), await assistant_of(stage)
    body = {"assistant_id": assistant}
    streaming = asyncio.create_task(stage.api.stream(f"/threads/{thread}/runs", body))
    await stage.upstream.reached("gone")
    await stage.api.delete(f"/threads/{thread}")
    events = await streaming
    stage.upstream.release("gone")
    assert [event.name for event in events][-2:] == ["error", "done"]


def _path(run: Any) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


def _outputs(run: Any) -> dict[str, Any]:
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    return {
        "tool_outputs": [
            {"tool_call_id": call["id"], "output": f"done {index}"}
            for index, call in enumerate(calls)
        ]
    }
