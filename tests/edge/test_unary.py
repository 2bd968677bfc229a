"""JSON requests over a real HTTP server, a real channel and a scripted core."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest
from grpc_health.v1 import health_pb2
from yarl import URL

from tests.edge.answers import error_of
from tests.edge.conftest import HEADERS, StartEdge
from tests.edge.fake_core import Context, FakeCore, fail, forever
from understudy.v1 import assistant_pb2, model_pb2, run_pb2, thread_pb2, upload_pb2


async def test_a_body_goes_in_and_a_resource_comes_out(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    async def create(
        request: assistant_pb2.CreateAssistantRequest, _context: Context
    ) -> assistant_pb2.Assistant:
        return assistant_pb2.Assistant(id="asst_1", created_at=7, model=request.model)

    core.unary["CreateAssistant"] = create
    async with edge.post("/v1/assistants", json={"model": "gpt-4o", "name": "é"}) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"
        body = await response.json()
    assert body["id"] == "asst_1"
    assert body["object"] == "assistant"
    assert body["model"] == "gpt-4o"
    assert core.request("CreateAssistant").name == "é"


async def test_path_query_and_mask_are_bound(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.get("/v1/threads/t%20/messages?limit=3&order=asc&run_id=r") as response:
        assert response.status == 200
    listed = core.request("ListMessages")
    assert (listed.thread_id, listed.limit, listed.order, listed.run_id) == ("t ", 3, 1, "r")

    async with edge.post("/v1/assistants/asst_1", json={"name": None, "model": "m"}) as response:
        assert response.status == 200
    modified = core.request("ModifyAssistant")
    assert modified.assistant_id == "asst_1"
    assert sorted(modified.update_mask.paths) == ["model", "name"]

    content = "step_details.tool_calls[*].file_search.results[*].content"
    async with edge.post(
        "/v1/threads/t/runs", params={"include[]": content}, json={"assistant_id": "asst_1"}
    ) as response:
        assert response.status == 200
    assert list(core.request("CreateRun").include) == [1]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("POST", "/v1/threads", None),
        ("POST", "/v1/threads", b""),
        ("POST", "/v1/threads", b"{}"),
        ("POST", "/v1/threads/t/runs/r/cancel", None),
        ("GET", "/v1/threads/t", b"{}"),
        ("GET", "/v1/threads/t", None),
        ("DELETE", "/v1/threads/t", b""),
        ("DELETE", "/v1/threads/t", b"{}"),
    ],
)
async def test_an_empty_body_is_fine(
    edge: aiohttp.ClientSession, verb: str, path: str, body: bytes | None
) -> None:
    headers = {"Content-Type": "application/json"}
    async with edge.request(verb, path, data=body, headers=headers) as response:
        assert response.status == 200, await response.text()


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "told"),
    [
        ("POST", "/v1/assistants", b"{", 400, ("invalid_request_error", None, None)),
        (
            "POST",
            "/v1/assistants",
            b"{}",
            400,
            ("invalid_request_error", "model", "missing_required_parameter"),
        ),
        (
            "POST",
            "/v1/threads/t",
            b'{"thread_id":"u"}',
            400,
            ("invalid_request_error", "thread_id", "unknown_parameter"),
        ),
        (
            "DELETE",
            "/v1/threads/t",
            b'{"a":1}',
            400,
            ("invalid_request_error", "a", "unknown_parameter"),
        ),
        (
            "GET",
            "/v1/threads?limit=x",
            None,
            400,
            ("invalid_request_error", "limit", "invalid_type"),
        ),
        (
            "GET",
            "/v1/threads?foo=1",
            None,
            400,
            ("invalid_request_error", "foo", "unknown_parameter"),
        ),
        ("POST", "/v1/foo", b"{", 404, ("invalid_request_error", None, None)),
        ("PUT", "/v1/assistants", b"{", 405, ("invalid_request_error", None, None)),
        ("OPTIONS", "/v1/assistants", None, 405, ("invalid_request_error", None, None)),
        ("POST", "/health", None, 404, ("invalid_request_error", None, None)),
    ],
)
async def test_refusals(
    edge: aiohttp.ClientSession,
    verb: str,
    path: str,
    body: bytes | None,
    status: int,
    told: tuple[str, str | None, str | None],
) -> None:
    async with edge.request(verb, path, data=body) as response:
        assert response.status == status
        assert response.headers["Content-Type"].startswith("application/json")
        assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
        assert error_of(await response.json()) == told


async def test_the_words_for_unknown_urls_and_wrong_methods(edge: aiohttp.ClientSession) -> None:
    async with edge.post("/v1/foo") as response:
        assert (await response.json())["error"]["message"] == "Invalid URL (POST /v1/foo)"
    async with edge.put("/v1/assistants") as response:
        assert response.headers["Allow"] == "GET, POST"
        assert (await response.json())["error"]["message"] == (
            "Not allowed to PUT on /v1/assistants. "
            "(HINT: Perhaps you meant to use a different HTTP method?)"
        )


async def test_headers_of_every_answer(edge: aiohttp.ClientSession) -> None:
    headers = {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj_1"}
    for path in ("/v1/threads", "/v1/foo", "/health", "/v1/threads?limit=x"):
        async with edge.get(path, headers=headers) as response:
            assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
            assert response.headers["openai-processing-ms"].isdecimal()
            assert response.headers["openai-version"] == "2020-10-01"
            assert response.headers["openai-organization"] == "org-1"
            assert response.headers["openai-project"] == "proj_1"
            assert response.headers["Server"] == "understudy"


async def test_only_polled_operations_say_how_often(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, poll_after_ms=250)
    async with edge.get("/v1/threads/t/runs/r") as response:
        assert response.headers["openai-poll-after-ms"] == "250"
    async with edge.get("/v1/threads/t") as response:
        assert "openai-poll-after-ms" not in response.headers


async def test_an_error_of_the_core(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async def busy(_request: Any, context: Context) -> run_pb2.Run:
        await fail(context, "STATE_CONFLICT", "Thread t already has an active run r.")
        return run_pb2.Run()

    core.unary["CreateRun"] = busy
    async with edge.post("/v1/threads/t/runs", json={"assistant_id": "a"}) as response:
        assert response.status == 400
        body = await response.json()
    assert error_of(body) == ("invalid_request_error", None, None)
    assert body["error"]["message"] == "Thread t already has an active run r."


async def test_a_bug_in_the_core_is_not_shown(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async def broken(_request: Any, _context: Context) -> thread_pb2.Thread:
        raise RuntimeError("secret")

    core.unary["GetThread"] = broken
    async with edge.get("/v1/threads/t") as response:
        assert response.status == 500
        text = await response.text()
    assert "secret" not in text
    assert "Sorry about that!" in text


async def test_a_core_that_is_away(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, retry_seconds=0.1)
    await core.stop()
    async with edge.post("/v1/threads") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"
        assert error_of(await response.json()) == ("server_error", None, None)
    async with edge.get("/health") as response:
        assert await response.text() == '{"status":"ok"}'
    async with edge.get("/ready") as response:
        assert response.status == 503
        assert (await response.json())["checks"]["core"] == "unavailable"


async def test_a_core_that_does_not_answer(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, request_timeout=0.05)

    async def silent(_request: Any, _context: Context) -> thread_pb2.Thread:
        await forever()
        return thread_pb2.Thread()

    core.unary["GetThread"] = silent
    async with edge.get("/v1/threads/t") as response:
        assert response.status == 504
        assert error_of(await response.json()) == ("server_error", None, None)


@pytest.mark.parametrize(
    ("body", "least"),
    [
        ({"wait": True, "wait_timeout": 200}, 200),
        ({"wait": True}, 60),
        ({"wait": True, "wait_timeout": 10_000_000}, 600),
        ({"wait": False, "wait_timeout": 600}, 0),
        ({}, 0),
    ],
)
async def test_a_waiting_call_has_the_time_that_it_asked_for(
    start_edge: StartEdge, core: FakeCore, body: dict[str, Any], least: int
) -> None:
    edge = await start_edge(core.address, request_timeout=30)
    remaining: list[float | None] = []

    async def create(_request: Any, context: Context) -> run_pb2.Run:
        remaining.append(context.time_remaining())
        return run_pb2.Run()

    core.unary["CreateRun"] = create
    async with edge.post("/v1/threads/t/runs", json={"assistant_id": "a", **body}) as response:
        assert response.status == 200
    (seconds,) = remaining
    assert seconds is not None
    # gRPC rounds a deadline up on its way, by a second at most where it is so far away.
    assert least < seconds <= least + 31


@pytest.mark.parametrize(("body", "least"), [({}, 0), ({"md5": "0" * 32}, 570)])
async def test_comparing_a_large_file_may_take_long(
    start_edge: StartEdge, core: FakeCore, body: dict[str, Any], least: int
) -> None:
    edge = await start_edge(core.address, request_timeout=30)
    remaining: list[float | None] = []

    async def complete(_request: Any, context: Context) -> upload_pb2.Upload:
        remaining.append(context.time_remaining())
        return upload_pb2.Upload()

    core.unary["CompleteUpload"] = complete
    async with edge.post("/v1/uploads/u/complete", json={"part_ids": ["p"], **body}) as response:
        assert response.status == 200
    (seconds,) = remaining
    assert seconds is not None
    assert least < seconds <= least + 31


async def test_ready_and_health(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with aiohttp.ClientSession(edge._base_url) as anonymous:
        async with anonymous.get("/health") as response:
            assert await response.text() == '{"status":"ok"}'
        async with anonymous.get("/ready") as response:
            assert response.status == 200
            checks = {"core": "ok", "store": "ok"}
            assert await response.json() == {"status": "ok", "checks": checks}
        await core.health.set("store", health_pb2.HealthCheckResponse.NOT_SERVING)
        async with anonymous.get("/ready") as response:
            assert response.status == 503
            assert (await response.json())["checks"] == {"core": "ok", "store": "not_serving"}


async def test_head_is_get_without_a_body(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.head("/v1/threads/t") as response:
        assert response.status == 200
        assert await response.read() == b""
    async with edge.head("/v1/threads/t/runs/r/events") as response:
        assert response.status == 405
    async with edge.head("/v1/foo") as response:
        assert response.status == 404
    assert core.methods() == ["GetThread"]


async def test_a_model_name_with_slashes(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async def get(request: model_pb2.GetModelRequest, _context: Context) -> model_pb2.Model:
        return model_pb2.Model(id=request.model)

    core.unary["GetModel"] = get
    for path in ("/v1/models/lab/m", "/v1/models/lab%2Fm"):
        async with edge.get(URL(path, encoded=True)) as response:
            assert (await response.json())["id"] == "lab/m"


async def test_a_thousand_requests_at_once(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address)

    async def get(request: thread_pb2.GetThreadRequest, _context: Context) -> thread_pb2.Thread:
        return thread_pb2.Thread(id=request.thread_id)

    core.unary["GetThread"] = get

    async def one(number: int) -> None:
        async with session.get(f"/v1/threads/t{number}") as response:
            assert (await response.json())["id"] == f"t{number}"

    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(
        edge._base_url, headers=HEADERS, connector=connector
    ) as session:
        await asyncio.gather(*map(one, range(1000)))
