"""Verbs and paths that nobody should send, and somebody will."""

from __future__ import annotations

import pytest

from tests.contract.client import Api
from tests.contract.transport_cases import MODELS, OPERATIONS
from tests.contract.world import World

_GETS = sorted(path for method, path in (*OPERATIONS, *MODELS[:1]) if method == "GET")


@pytest.mark.parametrize("path", _GETS)
async def test_head_is_get_without_its_body(looker: Api, world: World, path: str) -> None:
    path = world.fill(path)
    head, get = await looker.call("HEAD", path), await looker.call("GET", path)
    if get.is_stream:
        assert head.status == 405
        return
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "openai-poll-after-ms"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
async def test_verbs_that_no_operation_has(looker: Api, world: World, verb: str, path: str) -> None:
    path = world.fill(path)
    answer = await looker.call(verb, path, raw=b"{")
    assert answer.status == 405
    assert answer.error["message"].startswith(f"Not allowed to {verb} on /v1{path}. (HINT: ")
    assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST", "DELETE"}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/threads/thread_a%2Fmessages", 404, "No thread found with id 'thread_a/messages'."),
        ("/threads/thread_%2e%2e%2fx", 404, "No thread found with id 'thread_../x'."),
        ("/threads/thread_%00", 404, "No thread found with id 'thread_\x00'."),
        ("/threads/thread_%ff", 404, "No thread found with id 'thread_\ufffd'."),
        ("/threads/thread_%F0%9F%98%80", 404, "No thread found with id 'thread_😀'."),
        ("/threads/thread_%zz", 404, "No thread found with id 'thread_%zz'."),
        ("/threads/thread_a;b=c", 404, "No thread found with id 'thread_a;b=c'."),
        ("/threads/thread_a+b", 404, "No thread found with id 'thread_a+b'."),
        (
            "/threads/%20",
            400,
            "Invalid 'thread_id': ' '. Expected an ID that begins with 'thread'.",
        ),
        (
            "/threads/..",
            400,
            "Invalid 'thread_id': '..'. Expected an ID that begins with 'thread'.",
        ),
        ("/threads/.", 400, "Invalid 'thread_id': '.'. Expected an ID that begins with 'thread'."),
        (
            "/threads/%2F",
            400,
            "Invalid 'thread_id': '/'. Expected an ID that begins with 'thread'.",
        ),
        ("/threads/../assistants", 404, "Invalid URL (GET /v1/threads/../assistants)"),
        ("/threads//messages", 404, "Invalid URL (GET /v1/threads//messages)"),
        ("/threads/", 404, "Invalid URL (GET /v1/threads/)"),
        (
            "/%74hreads/x",
            400,
            "Invalid 'thread_id': 'x'. Expected an ID that begins with 'thread'.",
        ),
    ],
)
async def test_odd_paths(looker: Api, path: str, status: int, message: str) -> None:
    answer = await looker.call("GET", path)
    assert (answer.status, answer.error["message"]) == (status, message)


async def test_a_very_long_id(looker: Api) -> None:
    answer = await looker.call("GET", "/threads/thread_" + "x" * 6_000)
    assert answer.status == 404
    assert answer.error["message"].startswith("No thread found with id 'thread_xxx")
    answer = await looker.call("GET", "/threads/" + "x" * 6_000)
    expected = f"Invalid 'thread_id': '{'x' * 256}'. Expected an ID that begins with 'thread'."
    assert (answer.status, answer.error["message"]) == (400, expected)


async def test_a_path_outside_of_the_api(looker: Api) -> None:
    for path in ("/", "/v2/assistants", "/v1", "/assistants"):
        async with looker.session.get(looker.origin + path) as response:
            assert response.status == 404
            error = (await response.json())["error"]
            assert error["message"] == f"Invalid URL (GET {path})"


@pytest.mark.parametrize(
    "query",
    ["&&limit=1&", "limit=%31", "limit=1&limit=1", "li%6Dit=1", "after=&limit=1", "&", ""],
)
async def test_odd_queries_that_say_something(looker: Api, query: str) -> None:
    assert (await looker.call("GET", f"/assistants?{query}")).status == 200


@pytest.mark.parametrize(
    "query", ["=", "limit", "%ff=1", "limit=1%00", "[]=1", "include[]=x", "?x"]
)
async def test_odd_queries_that_say_nothing(looker: Api, query: str) -> None:
    answer = await looker.call("GET", f"/assistants?{query}")
    assert answer.status == 400
    assert answer.error["code"] in {"unknown_parameter", "invalid_type"}


_CONTENT = "step_details.tool_calls%5B%2A%5D.file_search.results%5B%2A%5D.content"


@pytest.mark.parametrize(
    "query",
    [
        f"include[]={_CONTENT}",
        f"include%5B%5D={_CONTENT}",
        f"include={_CONTENT}",
        f"include[]={_CONTENT}&include[]={_CONTENT}",
        "include[]=step_details.tool_calls[*].file_search.results[*].content",
        f"limit=5&include[]={_CONTENT}&order=asc",
    ],
)
async def test_every_way_to_include(looker: Api, world: World, query: str) -> None:
    path = f"/threads/{world.ids['thread']}/runs/{world.ids['run']}/steps"
    assert len((await looker.get(f"{path}?{query}"))["data"]) == 1
