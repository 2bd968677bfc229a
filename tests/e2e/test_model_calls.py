"""What a model was sent, seen from outside: the same bytes that reached it, for each step of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Site
from tests.e2e.http import open_http, scripted
from tests.servers import UPSTREAM_KEY
from tests.upstream.threaded import ThreadedUpstream

_TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "parameters": {
            "type": "object",
            "properties": {"z": {"type": "integer", "maximum": 9007199254740993}, "a": {}},
        },
    },
}
_PATHS = {"responses": "/responses", "chat": "/chat/completions"}


@pytest.fixture
def http(site: Site) -> Iterator[httpx2.Client]:
    with open_http(site.url, site.deployment.key) as http:
        yield http


def _post(http: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _calls(http: httpx2.Client, run: dict[str, Any]) -> list[httpx2.Response]:
    """For each step of the run, oldest first."""
    steps = f"/threads/{run['thread_id']}/runs/{run['id']}/steps"
    found = http.get(steps, params={"order": "asc"}).json()["data"]
    return [http.get(f"{steps}/{step['id']}/request") for step in found]


def _body(response: httpx2.Response) -> str:
    """The text of the last member, as it came over the wire."""
    return response.text.partition('"body":')[2].removesuffix("}")


def _arrived(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def test_each_step_shows_what_reached_the_model(
    http: httpx2.Client, model: str, dialect: str, marker: str, upstream: ThreadedUpstream
) -> None:
    assistant = _post(http, "/assistants", model=model, tools=[_TOOL], instructions=marker)
    text = scripted({"say": "Let me see."}, {"call": "f", "id": "call_1"})
    thread = {"messages": [{"role": "user", "content": text}]}
    run = _post(http, "/threads/runs", assistant_id=assistant["id"], thread=thread, wait=True)
    assert run["status"] == "requires_action", run
    submit = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    outputs = [{"tool_call_id": "call_1", "output": "done"}]
    assert _post(http, submit, tool_outputs=outputs, wait=True)["status"] == "completed"

    said, called, answered = _calls(http, run)
    first, second = (asked.body for asked in upstream.asked(marker))
    assert _body(said) == _body(called) == _arrived(first)
    assert _body(answered) == _arrived(second)
    assert "9007199254740993" in _body(said)
    shown = answered.json()
    assert shown | {"step_id": "", "created_at": 0, "body": {}} == {
        "step_id": "",
        "object": "thread.run.step.request",
        "run_id": run["id"],
        "thread_id": run["thread_id"],
        "created_at": 0,
        "provider": dialect,
        "dialect": dialect,
        "requested_model": model,
        "model": "scripted-model",
        "url": upstream.base_url + _PATHS[dialect],
        "attempt": shown["attempt"],
        "round": 1,
        "truncated": False,
        "body": {},
    }
    assert said.json()["round"] == called.json()["round"] == 0
    assert shown["attempt"] > said.json()["attempt"]
    assert UPSTREAM_KEY not in "".join(response.text for response in (said, called, answered))


def test_the_demo_model_shows_it_too(http: httpx2.Client, marker: str) -> None:
    assistant = _post(http, "/assistants", model="demo/demo", instructions=marker)
    thread = {"messages": [{"role": "user", "content": "Hello!"}]}
    run = _post(http, "/threads/runs", assistant_id=assistant["id"], thread=thread, wait=True)
    (call,) = _calls(http, run)
    shown = call.json()
    assert (shown["provider"], shown["dialect"], shown["url"]) == ("demo", "demo", None)
    assert shown["body"]["messages"] == [
        {"role": "system", "content": marker},
        {"role": "user", "content": "Hello!"},
    ]


def test_it_goes_with_its_thread(http: httpx2.Client, model: str) -> None:
    assistant = _post(http, "/assistants", model=model)
    thread = {"messages": [{"role": "user", "content": "Hello!"}]}
    run = _post(http, "/threads/runs", assistant_id=assistant["id"], thread=thread, wait=True)
    (call,) = _calls(http, run)
    assert call.status_code == 200
    assert http.delete(f"/threads/{run['thread_id']}").status_code == 200
    gone = http.get(call.request.url)
    assert (gone.status_code, gone.json()["error"]["message"]) == (
        404,
        f"No thread found with id '{run['thread_id']}'.",
    )
