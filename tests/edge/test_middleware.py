"""What holds for every request, whatever serves it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import FakeCore
from understudy_edge.app import EdgeServer
from understudy_edge.config import CorsPolicy
from understudy_edge.cors import Cors
from understudy_edge.middleware import Observer

PAGE = "https://app.example"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, openai-beta, x-stainless-lang, last-event-id",
}


async def test_a_fault_is_answered_and_logged_but_not_shown(stack: Any) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("secret")

    app = web.Application()
    Observer(Cors(CorsPolicy())).install(app)
    app.router.add_get("/broken", broken)
    server = EdgeServer(app)
    await server.start("127.0.0.1", 0)
    stack.push_async_callback(server.stop, 0)
    async with aiohttp.ClientSession(server.url) as session:
        with capture_logs() as logs:
            async with session.get("/broken") as response:
                assert response.status == 500
                body = await response.json()
                shown = response.headers["x-request-id"]
        assert body["error"]["type"] == "server_error"
        assert "secret" not in str(body)
        assert {"request_failed", "request"} == {entry["event"] for entry in logs}
        assert {entry["request_id"] for entry in logs} == {shown}
        # What aiohttp itself refuses has the same shape.
        async with session.get("/nowhere") as response:
            assert response.status == 404
            assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_one_line_in_the_log_without_bodies_and_keys(edge: aiohttp.ClientSession) -> None:
    with capture_logs() as logs:
        async with edge.post("/v1/threads/t/messages?limit=hidden", data=b'"hidden"') as response:
            shown = response.headers["x-request-id"]
    (entry,) = logs
    assert isinstance(entry.pop("ms"), int)
    assert entry == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "route": "/v1/threads/{thread_id}/messages",
        "status": 400,
        "request_id": shown,
    }


async def test_a_client_that_leaves_is_one_quiet_line(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def silent(_request: Any, _context: Any) -> Any:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    core.unary["GetThread"] = silent
    with capture_logs() as logs:
        request = asyncio.create_task(edge.get("/v1/threads/t"))
        await asked.wait()
        request.cancel()
        await ended.wait()
    assert [(entry["event"], entry["status"]) for entry in logs] == [("request", 499)]


async def test_no_page_may_call_unless_it_is_named(edge: aiohttp.ClientSession) -> None:
    async with edge.options("/v1/threads", headers=PREFLIGHT) as response:
        assert response.status == 405
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
    async with edge.get("/v1/threads", headers={"Origin": PAGE}) as response:
        assert response.status == 200
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(("origins", "shown"), [((PAGE,), PAGE), (("*",), "*")])
async def test_a_named_page(
    start_edge: StartEdge, core: FakeCore, origins: tuple[str, ...], shown: str
) -> None:
    edge = await start_edge(core.address, cors=CorsPolicy(origins=origins, max_age=7))
    async with (
        aiohttp.ClientSession(edge._base_url) as anonymous,
        anonymous.options("/v1/threads", headers=PREFLIGHT) as response,
    ):
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == shown
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE"
        assert response.headers["Access-Control-Max-Age"] == "7"
        asked = PREFLIGHT["Access-Control-Request-Headers"]
        assert response.headers["Access-Control-Allow-Headers"] == asked
    assert core.calls == []
    for path, status in (("/v1/threads", 200), ("/v1/foo", 404)):
        async with edge.get(path, headers={"Origin": PAGE}) as response:
            assert response.status == status
            assert response.headers["Access-Control-Allow-Origin"] == shown
            exposed = response.headers["Access-Control-Expose-Headers"]
            assert {"x-request-id", "openai-poll-after-ms"} <= set(exposed.split(", "))
            assert response.headers.get("Vary") == (None if shown == "*" else "Origin")
    events = "/v1/threads/t/runs/r/events"
    async with edge.get(events, headers={"Origin": PAGE}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == shown
        await response.read()


async def test_another_page(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, cors=CorsPolicy(origins=(PAGE,)))
    headers = PREFLIGHT | {"Origin": "https://evil.example"}
    async with edge.options("/v1/threads", headers=headers) as response:
        assert response.status == 405
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"


async def test_what_is_not_http_is_refused(edge: aiohttp.ClientSession) -> None:
    assert edge._base_url is not None
    host, port = edge._base_url.host, edge._base_url.port
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/models HTTP/9.9\r\n\r\n",
        b"POST /v1/threads HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /v1/threads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(garbage)
        answer = await reader.read()
        assert re.match(rb"HTTP/1\.[01] 400 ", answer), answer
        assert b"Traceback" not in answer
        writer.close()
    async with edge.get("/health") as response:
        assert response.status == 200


async def test_paths_that_are_no_paths(edge: aiohttp.ClientSession) -> None:
    assert edge._base_url is not None
    host, port = edge._base_url.host, edge._base_url.port
    for target in (b"*", b"/%00", b"/\xff\xfe", b"/%0a", b"//", b"/v1/threads/../assistants"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        assert re.match(rb"HTTP/1\.[01] (400|401|404) ", answer), (target, answer)
        writer.close()


async def test_an_expectation_that_nobody_meets(edge: aiohttp.ClientSession) -> None:
    async with edge.post("/v1/threads", data=b"{}", headers={"Expect": "tea"}) as response:
        assert response.status == 417
        assert response.headers["x-request-id"].startswith("req_")


async def test_header_values_that_are_not_text(edge: aiohttp.ClientSession) -> None:
    assert edge._base_url is not None
    host, port = edge._base_url.host, edge._base_url.port
    for header in (b"Authorization", b"OpenAI-Organization", b"api-key", b"OpenAI-Beta"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"GET /v1/threads HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            + header
            + b": \xff\xfe\xe9\r\n\r\n"
        )
        answer = await reader.read()
        assert re.match(rb"HTTP/1\.[01] 401 ", answer), (header, answer)
        writer.close()
