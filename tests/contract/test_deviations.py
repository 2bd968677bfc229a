"""Each tolerated difference is really there: a row that nothing makes use of is no longer needed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from tests.contract.client import Api
from tests.contract.deviations import DEVIATIONS, Deviation
from tests.contract.forms import HEADERS, form
from tests.contract.schema import validate_event, validate_response
from tests.upstream.threaded import ThreadedUpstream


async def _objects(api: Api) -> frozenset[Deviation]:
    used: set[Deviation] = set()

    async def see(method: str, path: str, body: Any = None) -> Any:
        answer = await api.call(method, path, body)
        assert answer.status == 200, answer.body
        used.update(validate_response(method, path, answer.status, answer.value))
        return answer.value

    for path in ("/assistants", "/threads", "/runs", "/files", "/vector_stores"):
        await see("GET", path)
    answer = await api.call("POST", "/files", raw=form({"purpose": "evals"}), headers=HEADERS)
    used.update(validate_response("POST", "/files", answer.status, answer.value))
    store = await see("POST", "/vector_stores", {})
    await see("GET", f"/vector_stores/{store['id']}/files")
    await see("POST", "/assistants", {"model": "m", "tools": [{"type": "file_search"}]})
    functions = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(21)]
    assistant = await see("POST", "/assistants", {"model": "demo/demo", "tools": functions})
    thread = await see("POST", "/threads", {"messages": [{"role": "system", "content": "x"}]})
    messages = await see("GET", f"/threads/{thread['id']}/messages")
    await see("GET", f"/threads/{thread['id']}/messages?after={messages['last_id']}")
    runs = f"/threads/{thread['id']}/runs"
    run = await see("POST", runs, {"assistant_id": assistant["id"], "wait": True})
    await see("GET", f"{runs}?after={run['id']}")
    steps = await see("GET", f"{runs}/{run['id']}/steps")
    await see("GET", f"{runs}/{run['id']}/steps?after={steps['last_id']}")
    return frozenset(used)


async def _broken_stream(api: Api, upstream: ThreadedUpstream) -> frozenset[Deviation]:
    """A stream whose thread is deleted before the model has answered."""
    gate = uuid4().hex
    assistant = await api.assistant(model="responses/any")
    thread = await api.thread(f'scripted:[{{"say": "a"}}, {{"gate": "{gate}"}}]')
    streaming = asyncio.create_task(
        api.stream(f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]})
    )
    await asyncio.to_thread(upstream.reached, gate)
    await api.delete(f"/threads/{thread['id']}")
    events = await streaming
    await asyncio.to_thread(upstream.release, gate)
    assert [event.name for event in events][-2:] == ["error", "done"]
    error = events[-2].data
    assert list(error) == ["error", "message", "type", "param", "code"]
    assert error["error"] == {name: error[name] for name in ("message", "type", "param", "code")}
    return validate_event("error", error)


async def test_every_row_is_needed(api: Api, upstream: ThreadedUpstream) -> None:
    used = await _objects(api) | await _broken_stream(api, upstream)
    assert used == set(DEVIATIONS)
