"""What Understudy adds to the API: waiting for a run, resuming a stream, listing threads and runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Site
from tests.e2e.http import open_http, scripted, streamed
from tests.e2e.sse import Event
from tests.upstream.threaded import ThreadedUpstream

_TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.fixture
def http(site: Site) -> Iterator[httpx2.Client]:
    with open_http(site.url, site.deployment.key) as http:
        yield http


def _post(http: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.fixture
def assistant_id(http: httpx2.Client, model: str) -> str:
    id: str = _post(http, "/assistants", model=model, tools=[_TOOL])["id"]
    return id


def _thread(http: httpx2.Client, *steps: dict[str, Any]) -> str:
    messages = [{"role": "user", "content": scripted(*steps)}]
    id: str = _post(http, "/threads", messages=messages)["id"]
    return id


def test_a_run_may_be_waited_for(http: httpx2.Client, assistant_id: str) -> None:
    runs = f"/threads/{_thread(http, {'say': 'hi'})}/runs"
    assert _post(http, runs, assistant_id=assistant_id, wait=True)["status"] == "completed"

    runs = f"/threads/{_thread(http, {'call': 'f', 'id': 'call_1'})}/runs"
    run = _post(http, runs, assistant_id=assistant_id, wait=True)
    assert run["status"] == "requires_action"
    call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    outputs = [{"tool_call_id": call["id"], "output": "done"}]
    submit = f"{runs}/{run['id']}/submit_tool_outputs"
    assert _post(http, submit, tool_outputs=outputs, wait=True)["status"] == "completed"

    thread = {"messages": [{"role": "user", "content": "hi"}]}
    run = _post(http, "/threads/runs", assistant_id=assistant_id, thread=thread, wait=True)
    assert run["status"] == "completed"


def test_waiting_ends_in_time(
    http: httpx2.Client, assistant_id: str, marker: str, upstream: ThreadedUpstream
) -> None:
    runs = f"/threads/{_thread(http, {'gate': marker}, {'say': 'hi'})}/runs"
    run = _post(http, runs, assistant_id=assistant_id, wait=True, wait_timeout=1)
    assert run["status"] in {"queued", "in_progress"}
    upstream.release(marker)


def test_a_stream_is_resumed_behind_any_event(
    http: httpx2.Client, assistant_id: str, marker: str, upstream: ThreadedUpstream
) -> None:
    thread_id = _thread(http, {"say": ["a ", "b "]}, {"gate": marker}, {"say": ["c ", "d"]})
    create = {"assistant_id": assistant_id, "stream": True}
    first: list[Event] = []
    with streamed(http, "POST", f"/threads/{thread_id}/runs", json=create) as events:
        for event in events:
            first.append(event)
            if event.name == "thread.message.delta":
                break
    run_id = httpx2.Response(200, text=first[0].data).json()["id"]
    path = f"/threads/{thread_id}/runs/{run_id}/events"
    with streamed(http, "GET", path, headers={"Last-Event-ID": first[-1].id}) as events:
        second = [next(events)]
        upstream.release(marker)
        second += events
    whole = [*first, *second]
    assert whole[-1].name == "done"
    assert len({event.id for event in whole[:-1]}) == len(whole) - 1

    with streamed(http, "GET", path) as events:
        assert list(events) == whole
    for at in range(0, len(whole) - 1, 4):
        with streamed(http, "GET", path, params={"after": whole[at].id}) as events:
            assert list(events) == whole[at + 1 :]


def test_two_readers_of_one_run_see_the_same(
    http: httpx2.Client, assistant_id: str, marker: str, upstream: ThreadedUpstream
) -> None:
    thread_id = _thread(http, {"gate": marker}, {"say": ["a ", "b"]})
    run = _post(http, f"/threads/{thread_id}/runs", assistant_id=assistant_id)
    path = f"/threads/{thread_id}/runs/{run['id']}/events"
    with streamed(http, "GET", path) as one, streamed(http, "GET", path) as two:
        seen = [next(one)]
        upstream.release(marker)
        seen += one
        assert list(two) == seen
    assert seen[-1].name == "done"


def test_a_waiting_run_ends_its_resumed_stream(http: httpx2.Client, assistant_id: str) -> None:
    thread_id = _thread(http, {"call": "f"})
    run = _post(http, f"/threads/{thread_id}/runs", assistant_id=assistant_id, wait=True)
    with streamed(http, "GET", f"/threads/{thread_id}/runs/{run['id']}/events") as events:
        assert [event.name for event in events][-2:] == ["thread.run.requires_action", "done"]


@pytest.mark.parametrize("after", ["nonsense", "1", "-1-1"])
def test_a_place_that_is_none(http: httpx2.Client, assistant_id: str, after: str) -> None:
    thread_id = _thread(http, {"say": "hi"})
    run = _post(http, f"/threads/{thread_id}/runs", assistant_id=assistant_id, wait=True)
    response = http.get(f"/threads/{thread_id}/runs/{run['id']}/events", params={"after": after})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "after")


def test_threads_and_runs_of_the_project_are_listed(http: httpx2.Client, assistant_id: str) -> None:
    thread_id = _thread(http, {"say": "hi"})
    run = _post(http, f"/threads/{thread_id}/runs", assistant_id=assistant_id, wait=True)
    threads = http.get("/threads", params={"limit": 1}).json()
    assert [thread["id"] for thread in threads["data"]] == [thread_id]
    for query in ({"status": "completed"}, {"assistant_id": assistant_id}):
        runs = http.get("/runs", params={**query, "limit": 1}).json()
        assert [one["id"] for one in runs["data"]] == [run["id"]]


def test_a_message_of_the_system(http: httpx2.Client, model: str, marker: str) -> None:
    assistant_id = _post(http, "/assistants", model=model)["id"]
    messages = [
        {"role": "system", "content": f"Obey {marker}."},
        {"role": "user", "content": scripted({"echo": True})},
    ]
    thread_id = _post(http, "/threads", messages=messages)["id"]
    _post(http, f"/threads/{thread_id}/runs", assistant_id=assistant_id, wait=True)
    answer = http.get(f"/threads/{thread_id}/messages", params={"limit": 1}).json()["data"][0]
    first_line = answer["content"][0]["text"]["value"].partition("\n")[0]
    assert first_line in {f"system: Obey {marker}.", f"developer: Obey {marker}."}


def test_the_same_creation_twice_is_one(
    http: httpx2.Client, assistant_id: str, marker: str
) -> None:
    thread_id = _thread(http)
    for path, body in (
        ("/assistants", {"model": "m"}),
        ("/threads", {}),
        (f"/threads/{thread_id}/messages", {"role": "user", "content": "once"}),
        (f"/threads/{thread_id}/runs", {"assistant_id": assistant_id, "wait": True}),
    ):
        headers = {"Idempotency-Key": f"{marker} {path}"}
        one, two = (http.post(path, json=body, headers=headers) for _ in range(2))
        assert (one.status_code, two.status_code) == (200, 200), two.text
        assert one.json()["id"] == two.json()["id"]
