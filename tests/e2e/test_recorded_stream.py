"""Streams of ours beside those that were recorded from the real API: same events, same keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Site
from tests.e2e.http import open_http, scripted, streamed
from tests.e2e.sse import Event, EventReader

_RECORDINGS = Path(__file__).parents[1] / "recordings"

_EXTRA = {"thread.run.step": {"expired_at", "metadata"}}
"""The official description requires these keys, although the real API leaves them out."""


@pytest.fixture
def http(site: Site) -> Iterator[httpx2.Client]:
    with open_http(site.url, site.deployment.key) as http:
        yield http


def test_a_plain_text_run(http: httpx2.Client, model: str) -> None:
    recorded = _recorded("a_plain_text_run.sse")
    ours = _create_and_run(http, model, {"say": _texts(recorded)})
    assert ours.pop(0).name == "thread.created"
    _compare(ours, recorded)


def test_a_run_that_calls_a_function_and_goes_on(http: httpx2.Client, model: str) -> None:
    called = _recorded("h_b1_create_thread_and_run_function_requires_action.sse")
    answered = _recorded("b2_submit_tool_outputs_stream.sse")

    call = [{"call": "get_current_weather", "arguments": {}}]
    ours = _create_and_run(http, model, call, [{"say": _texts(answered)}])
    _compare(ours, called)

    run = json.loads(ours[-2].data)
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": one["id"], "output": "sunny"} for one in calls]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    body = {"tool_outputs": outputs, "stream": True}
    with streamed(http, "POST", path, json=body) as events:
        _compare(list(events), answered)


def test_the_bytes_of_an_event(http: httpx2.Client) -> None:
    assistant = http.post("/assistants", json={"model": "demo/demo"}).json()
    body = {"assistant_id": assistant["id"], "stream": True}
    text = http.post("/threads/runs", json=body).text
    *blocks, end = text.replace(": ping\n", "").split("\n\n")
    assert end == ""
    assert blocks[-1] == "event: done\ndata: [DONE]"
    for block in blocks[:-1]:
        name, data, id = block.split("\n")
        assert name.startswith("event: thread.")
        assert data.removeprefix("data: ") == _compact(data.removeprefix("data: "))
        assert id.startswith("id: ")


def _recorded(name: str) -> list[Event]:
    return list(EventReader().feed((_RECORDINGS / name).read_bytes()))


def _texts(events: list[Event]) -> list[str]:
    deltas = [json.loads(e.data)["delta"] for e in events if e.name == "thread.message.delta"]
    return [delta["content"][0]["text"]["value"] for delta in deltas]


def _create_and_run(http: httpx2.Client, model: str, *script: Any) -> list[Event]:
    tool = {"type": "function", "function": {"name": "get_current_weather"}}
    assistant = http.post("/assistants", json={"model": model, "tools": [tool]}).json()
    body = {
        "assistant_id": assistant["id"],
        "stream": True,
        "thread": {"messages": [{"role": "user", "content": scripted(*script)}]},
    }
    with streamed(http, "POST", "/threads/runs", json=body) as events:
        return list(events)


def _compare(ours: list[Event], recorded: list[Event]) -> None:
    assert [event.name for event in ours] == [event.name for event in recorded]
    for mine, theirs in zip(ours, recorded, strict=True):
        if mine.name == "done":
            assert mine.data == theirs.data == "[DONE]"
            continue
        value, other = json.loads(mine.data), json.loads(theirs.data)
        extra = _EXTRA.get(value["object"], set())
        assert value.keys() - other.keys() == extra, mine.name
        assert _shape({k: v for k, v in value.items() if k not in extra}) == _shape(other)


def _shape(value: Any) -> Any:
    """The keys at every depth, without what depends on the assistant rather than on the run."""
    if isinstance(value, dict):
        own = {"tools", "tool_resources"}
        return {key: None if key in own else _shape(inner) for key, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else None


def _compact(data: str) -> str:
    return json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"))
