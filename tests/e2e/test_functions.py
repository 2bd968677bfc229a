"""Functions of the server, as an application sees them: the module of docs/functions.md, and some that misbehave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.http import scripted
from tests.servers import Deployment, deployed
from tests.upstream.threaded import ThreadedUpstream

_PAGE = (Path(__file__).parents[2] / "docs" / "functions.md").read_text(encoding="utf-8")
_ROGUES = """
import threading


@function
def exits() -> None:
    raise SystemExit(3)


@function
def interrupts() -> None:
    raise KeyboardInterrupt


@function
async def interrupts_the_loop() -> None:
    raise KeyboardInterrupt


@function
def long() -> str:
    return "x" * 1_000_000


@function
def hangs() -> None:
    threading.Event().wait()


@function
async def hangs_on_the_loop() -> None:
    await asyncio.Event().wait()


@function(timeout=0.05)
def is_late() -> None:
    threading.Event().wait()
"""
_ROGUE_OUTPUTS = {
    "exits": '{"error": "The function failed: SystemExit: 3"}',
    "interrupts": '{"error": "The function failed: KeyboardInterrupt"}',
    "interrupts_the_loop": '{"error": "The function failed: KeyboardInterrupt"}',
    "is_late": '{"error": "The function did not answer within 0.05 seconds."}',
}


@pytest.fixture(scope="module")
def deployment(
    upstream: ThreadedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    shop = re.search(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    assert shop is not None
    folder = tmp_path_factory.mktemp("functions")
    (folder / "shop.py").write_text(f"import asyncio\n{shop[1]}\n{_ROGUES}")
    with deployed("serve", folder, upstream, settings={"UNDERSTUDY_FUNCTIONS": "shop"}) as started:
        yield started


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Any]:
    url, key = deployment.url, deployment.key
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        yield client


def _begin(client: Any, model: str, *steps: dict[str, Any]) -> dict[str, str]:
    """Thread and assistant of a run that makes calls; the assistant names its functions and no more."""
    tools = [{"type": "function", "function": {"name": step["call"]}} for step in steps]
    assistant = client.beta.assistants.create(model=model, tools=tools)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": scripted(*steps)}])
    return {"thread_id": thread.id, "assistant_id": assistant.id}


def _call(name: str, **arguments: object) -> dict[str, Any]:
    return {"call": name, "arguments": arguments, "id": f"call_{name}"}


def _text(client: Any, thread_id: str) -> str:
    text: str = client.beta.threads.messages.list(thread_id, limit=1).data[0].content[0].text.value
    return text


def test_the_assistant_of_the_page(client: Any) -> None:
    """Its code as it stands there; the model is the provider's own affair."""
    code = _PAGE.split("```python\n")[2].partition("```")[0]
    assistant = eval(code, {"client": client})
    steps = _call("price", article="chair")
    thread = {"messages": [{"role": "user", "content": scripted(steps)}]}
    run = client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread)
    assert run.status == "completed"
    said = _text(client, run.thread_id)
    assert said == 'tools said: {"article":"chair","price":75,"currency":"EUR"}'


def test_a_run_goes_on_by_itself_and_records_its_steps(client: Any, model: str) -> None:
    calls = _call("price", article="lamp"), _call("order", article="lamp", count=2)
    begun = _begin(client, model, *calls)
    with client.beta.threads.runs.stream(**begun) as stream:
        names = [event.event for event in stream]
        run = stream.get_final_run()
    assert "thread.run.requires_action" not in names
    assert run.status == "completed"
    called, wrote = client.beta.threads.runs.steps.list(
        run.id, thread_id=run.thread_id, order="asc"
    )
    assert (called.type, wrote.type) == ("tool_calls", "message_creation")
    assert [call.function.output for call in called.step_details.tool_calls] == [
        '{"article":"lamp","price":40,"currency":"EUR"}',
        "ordered: 2 lamp (call_order)",
    ]


def test_a_turn_that_mixes_both(client: Any, model: str) -> None:
    begun = _begin(client, model, _call("theirs"), _call("price", article="lamp"))
    runs = client.beta.threads.runs
    run = runs.create_and_poll(**begun)
    assert run.status == "requires_action"
    (asked,) = run.required_action.submit_tool_outputs.tool_calls
    assert asked.function.name == "theirs"
    (step,) = runs.steps.list(run.id, thread_id=run.thread_id)
    done = {call.id: call.function.output for call in step.step_details.tool_calls}
    assert (done["call_theirs"], json.loads(done["call_price"])["price"]) == (None, 40)
    both = [{"tool_call_id": id, "output": "mine"} for id in ("call_theirs", "call_price")]
    with pytest.raises(openai.BadRequestError, match="Expected tool outputs for call_ids"):
        runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=both)
    run = runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=both[:1]
    )
    assert run.status == "completed"
    assert _text(client, run.thread_id).startswith('tools said: mine, {"article":"lamp"')


def test_whatever_they_do_the_run_goes_on(client: Any, model: str) -> None:
    calls = [*map(_call, _ROGUE_OUTPUTS), _call("long"), _call("price", article="bed")]
    begun = _begin(client, model, *calls)
    run = client.beta.threads.runs.create_and_poll(**begun)
    assert (run.status, run.last_error) == ("completed", None)
    called = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data[1]
    outputs = {c.function.name: c.function.output for c in called.step_details.tool_calls}
    assert {name: outputs[name] for name in _ROGUE_OUTPUTS} == _ROGUE_OUTPUTS
    assert outputs["long"].endswith(
        "[cut here: the output has 1000000 bytes, more than the 262144 allowed]"
    )
    assert "LookupError: no article 'bed'" in outputs["price"]


@pytest.mark.parametrize("name", ["hangs", "hangs_on_the_loop"])
def test_one_that_hangs_does_not_keep_a_run_from_being_cancelled(client: Any, name: str) -> None:
    begun = _begin(client, "responses/scripted-model", _call(name))
    runs = client.beta.threads.runs
    with runs.stream(**begun) as stream:
        for event in stream:
            # Its arguments are there, so it runs, or is about to.
            if event.event == "thread.run.step.delta":
                runs.cancel(stream.current_run.id, thread_id=begun["thread_id"])
                break
    run = runs.poll(stream.current_run.id, thread_id=begun["thread_id"])
    assert run.status == "cancelled"
    (step,) = runs.steps.list(run.id, thread_id=run.thread_id)
    assert (step.status, step.step_details.tool_calls[0].function.output) == ("cancelled", None)
    client.beta.threads.messages.create(run.thread_id, role="user", content="unlocked")
