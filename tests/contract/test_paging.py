"""Lists, in both directions and to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contract.client import Api

Fill = Callable[[Api], Awaitable[tuple[str, list[str]]]]

COUNT = 7


async def _assistants(api: Api) -> tuple[str, list[str]]:
    return "/assistants", [(await api.assistant())["id"] for _ in range(COUNT)]


async def _threads(api: Api) -> tuple[str, list[str]]:
    return "/threads", [(await api.thread())["id"] for _ in range(COUNT)]


async def _messages(api: Api) -> tuple[str, list[str]]:
    thread = await api.thread()
    path = f"/threads/{thread['id']}/messages"
    body = {"role": "user", "content": "x"}
    return path, [(await api.post(path, body))["id"] for _ in range(COUNT)]


async def _runs(api: Api) -> tuple[str, list[str]]:
    assistant, thread = await api.assistant(), await api.thread("hi")
    ids = [(await api.run(assistant, thread))["id"] for _ in range(COUNT)]
    return f"/threads/{thread['id']}/runs", ids


async def _project_runs(api: Api) -> tuple[str, list[str]]:
    assistant = await api.assistant()
    return "/runs", [(await api.run(assistant, await api.thread("x")))["id"] for _ in range(COUNT)]


async def _steps(api: Api) -> tuple[str, list[str]]:
    """Each round of tool calls is a step."""
    tools = [{"type": "function", "function": {"name": "ping"}}]
    assistant = await api.assistant(tools=tools)
    thread = await api.thread("please call ping")
    run = await api.run(assistant, thread)
    path = f"/threads/{thread['id']}/runs/{run['id']}"
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "pong"} for call in calls]
    ended = await api.post(f"{path}/submit_tool_outputs", {"tool_outputs": outputs, "wait": True})
    assert ended["status"] == "completed"
    ids = [step["id"] for step in (await api.get(f"{path}/steps?order=asc"))["data"]]
    assert len(ids) >= 2
    return f"{path}/steps", ids


LISTS: dict[str, Fill] = {
    "assistants": _assistants,
    "threads": _threads,
    "messages": _messages,
    "runs": _runs,
    "project runs": _project_runs,
    "steps": _steps,
}


def _ids(page: dict[str, Any]) -> list[str]:
    assert list(page) == ["object", "data", "first_id", "last_id", "has_more"]
    assert page["object"] == "list"
    ids = [item["id"] for item in page["data"]]
    assert page["first_id"] == (ids[0] if ids else None)
    assert page["last_id"] == (ids[-1] if ids else None)
    return ids


@pytest.mark.parametrize("name", LISTS)
async def test_every_window_of_a_list(api: Api, name: str) -> None:
    path, ids = await LISTS[name](api)
    count = len(ids)
    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        whole = await api.get(f"{path}?order={order}")
        assert (_ids(whole), whole["has_more"]) == (expected, False)
        for limit in (1, count - 1, count, 100):
            page = await api.get(f"{path}?order={order}&limit={limit}")
            assert (_ids(page), page["has_more"]) == (expected[:limit], count > limit)
        for at, cursor in enumerate(expected):
            after = await api.get(f"{path}?order={order}&limit=2&after={cursor}")
            rest = expected[at + 1 :]
            assert (_ids(after), after["has_more"]) == (rest[:2], len(rest) > 2)
            before = await api.get(f"{path}?order={order}&limit=2&before={cursor}")
            # What lies next to the cursor, still in the requested order.
            assert (_ids(before), before["has_more"]) == (expected[:at][-2:], at > 2)
        between = await api.get(f"{path}?order={order}&after={expected[0]}&before={expected[-1]}")
        assert (_ids(between), between["has_more"]) == (expected[1:-1], False)
        crossed = await api.get(f"{path}?order={order}&after={expected[-1]}&before={expected[0]}")
        assert (_ids(crossed), crossed["has_more"]) == ([], False)
    assert _ids(await api.get(path)) == ids[::-1]


@pytest.mark.parametrize("name", LISTS)
async def test_a_client_that_pages_until_a_page_is_empty_sees_each_once(
    api: Api, name: str
) -> None:
    path, ids = await LISTS[name](api)
    seen: list[str] = []
    page = _ids(await api.get(f"{path}?limit=3&order=asc"))
    while page:
        seen += page
        page = _ids(await api.get(f"{path}?limit=3&order=asc&after={page[-1]}"))
    assert seen == ids


async def test_a_page_has_twenty_unless_asked_otherwise(api: Api) -> None:
    thread = await api.thread(*map(str, range(101)))
    path = f"/threads/{thread['id']}/messages"
    page = await api.get(path)
    assert (len(_ids(page)), page["has_more"]) == (20, True)
    page = await api.get(f"{path}?limit=100")
    assert (len(_ids(page)), page["has_more"]) == (100, True)
    texts = [message["content"][0]["text"]["value"] for message in page["data"]]
    assert texts == [str(number) for number in range(100, 0, -1)]


async def test_objects_of_one_request_keep_their_order(api: Api) -> None:
    thread = await api.thread("a", "b", "c", "d")
    path = f"/threads/{thread['id']}/messages"
    data = (await api.get(f"{path}?order=asc"))["data"]
    assert [m["content"][0]["text"]["value"] for m in data] == ["a", "b", "c", "d"]
    assert len({message["created_at"] for message in data}) == 1
    assert (await api.get(f"{path}?order=desc"))["data"] == data[::-1]


@pytest.mark.parametrize("name", ["assistants", "threads", "messages"])
async def test_a_deleted_object_is_no_cursor_and_the_others_stay(api: Api, name: str) -> None:
    path, ids = await LISTS[name](api)
    await api.delete(f"{path}/{ids[3]}")
    for cursor in ("after", "before"):
        answer = await api.call("GET", f"{path}?{cursor}={ids[3]}")
        assert answer.status == 404
        assert answer.error["message"].endswith(f" found with id '{ids[3]}'.")
    assert _ids(await api.get(f"{path}?order=asc")) == ids[:3] + ids[4:]
    assert _ids(await api.get(f"{path}?order=asc&after={ids[2]}")) == ids[4:]


async def test_a_page_can_be_taken_while_objects_come_and_go(api: Api) -> None:
    path, ids = await _assistants(api)
    first = _ids(await api.get(f"{path}?limit=3"))
    await api.assistant()
    await api.delete(f"{path}/{ids[2]}")
    rest = _ids(await api.get(f"{path}?limit=100&after={first[-1]}"))
    assert first + rest == [id for id in ids[::-1] if id != ids[2]]


async def test_empty_lists(api: Api) -> None:
    thread = await api.thread()
    for path in ("/assistants", "/runs", f"/threads/{thread['id']}/messages"):
        page = await api.get(path)
        assert page == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
        }


async def test_messages_of_one_run(api: Api) -> None:
    assistant, thread = await api.assistant(), await api.thread("hi")
    runs = [await api.run(assistant, thread) for _ in range(2)]
    for run in runs:
        page = await api.get(f"/threads/{thread['id']}/messages?run_id={run['id']}")
        assert [message["run_id"] for message in page["data"]] == [run["id"]]
        assert page["has_more"] is False


async def test_runs_of_the_project_by_status_and_assistant(api: Api) -> None:
    one, other = await api.assistant(), await api.assistant()
    runs = [await api.run(assistant, await api.thread("x")) for assistant in (one, other, one)]
    by_one = _ids(await api.get(f"/runs?assistant_id={one['id']}&order=asc"))
    assert by_one == [runs[0]["id"], runs[2]["id"]]
    assert len(_ids(await api.get("/runs?status=completed"))) == 3
    assert _ids(await api.get("/runs?status=queued")) == []
    both = f"/runs?status=completed&assistant_id={other['id']}"
    assert _ids(await api.get(both)) == [runs[1]["id"]]


async def test_the_last_of_repeated_parameters_counts(api: Api) -> None:
    path, ids = await _assistants(api)
    assert len(_ids(await api.get(f"{path}?limit=1&limit=2"))) == 2
    assert _ids(await api.get(f"{path}?after=&before=&order=asc")) == ids
