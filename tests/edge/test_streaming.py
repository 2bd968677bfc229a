"""Streams of events: their bytes, their beginnings, and every way in which they end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest

from tests.edge.conftest import HEADERS, StartEdge
from tests.edge.events import (
    DONE,
    START,
    Batches,
    batch,
    body_of,
    completed,
    created,
    delta,
    error_in,
    ids,
    names,
    scripted,
)
from tests.edge.fake_core import Context, FakeCore, fail, forever
from understudy.v1 import event_pb2, run_pb2, thread_pb2
from understudy_edge.app import EdgeServer, create_app
from understudy_edge.channel import open_channel
from understudy_edge.config import EdgeConfig

DELTA = (
    b'{"id":"msg_1","object":"thread.message.delta","delta":{"content":'
    b'[{"index":0,"type":"text","text":{"value":"H\xc3\xa9\\n"}}]}}'
)


@pytest.mark.parametrize(
    ("event_ids", "expected"),
    [
        (True, b"event: thread.message.delta\ndata: " + DELTA + b"\nid: 1-2\n\n" + DONE),
        (False, b"event: thread.message.delta\ndata: " + DELTA + b"\n\n" + DONE),
    ],
)
async def test_the_bytes_of_a_stream(
    start_edge: StartEdge, core: FakeCore, event_ids: bool, expected: bytes
) -> None:
    core.streams["StreamCreateRun"] = scripted(batch(delta("1-2", "Hé\n")))
    edge = await start_edge(core.address, event_ids=event_ids)
    async with edge.post(START[0], json=START[1]) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
        assert response.headers["openai-version"] == "2020-10-01"
        assert await response.read() == expected


async def test_batches_keep_their_order(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.streams["StreamCreateRun"] = scripted(
        batch(created(), delta("1-2", "a")), batch(delta("1-3", "b")), batch(completed("1-4"))
    )
    body = await body_of(edge)
    assert names(body) == [
        "thread.run.created",
        "thread.message.delta",
        "thread.message.delta",
        "thread.run.completed",
        "done",
    ]
    assert ids(body) == ["1-1", "1-2", "1-3", "1-4"]


@pytest.mark.parametrize(
    ("path", "body", "called"),
    [
        ("/v1/threads/t/runs", {"assistant_id": "a", "stream": True}, "StreamCreateRun"),
        ("/v1/threads/t/runs", {"assistant_id": "a", "stream": False}, "CreateRun"),
        ("/v1/threads/t/runs", {"assistant_id": "a", "stream": None}, "CreateRun"),
        ("/v1/threads/t/runs", {"assistant_id": "a"}, "CreateRun"),
        ("/v1/threads/runs", {"assistant_id": "a", "stream": True}, "StreamCreateThreadAndRun"),
        ("/v1/threads/runs", {"assistant_id": "a"}, "CreateThreadAndRun"),
        (
            "/v1/threads/t/runs/r/submit_tool_outputs",
            {"tool_outputs": [], "stream": True},
            "StreamSubmitToolOutputs",
        ),
    ],
)
async def test_only_the_body_asks_for_a_stream(
    edge: aiohttp.ClientSession, core: FakeCore, path: str, body: dict[str, Any], called: str
) -> None:
    async with edge.post(path, json=body, headers={"Accept": "text/event-stream"}) as response:
        assert response.status == 200
        await response.read()
    assert core.methods() == [called]


@pytest.mark.parametrize(
    ("query", "header", "after"),
    [
        ("", None, ""),
        ("?after=1-7", None, "1-7"),
        ("", "1-8", "1-8"),
        ("?after=1-7", "1-8", "1-7"),
        ("", "", ""),
    ],
)
async def test_where_a_reader_goes_on(
    edge: aiohttp.ClientSession, core: FakeCore, query: str, header: str | None, after: str
) -> None:
    headers = {} if header is None else {"Last-Event-ID": header}
    async with edge.get(f"/v1/threads/t/runs/r/events{query}", headers=headers) as response:
        assert await response.read() == DONE
    request = core.request("StreamRunEvents")
    assert (request.thread_id, request.run_id, request.after) == ("t", "r", after)


async def test_an_error_before_the_start_is_ordinary_json(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address)
    async with edge.post(START[0], json={"stream": True}) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "missing_required_parameter"
    headers = {"Authorization": "Bearer sk-bad"}
    async with edge.post(START[0], json=START[1], headers=headers) as response:
        assert response.status == 401
        assert response.headers["Content-Type"] == "application/json"
        assert (await response.json())["error"]["code"] == "invalid_api_key"


async def test_an_error_after_the_start_is_an_event(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    async def deleted(_request: Any, context: Context) -> Batches:
        yield batch(created())
        await fail(context, "NOT_FOUND", "No thread found with id 't'.")

    core.streams["StreamCreateRun"] = deleted
    body = await body_of(edge)
    assert names(body) == ["thread.run.created", "error", "done"]
    assert body.endswith(DONE)
    assert error_in(body) == {
        "message": "No thread found with id 't'.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_a_bug_after_the_start_is_not_shown(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    async def broken(_request: Any, _context: Context) -> Batches:
        yield batch(created())
        raise RuntimeError("secret")

    core.streams["StreamCreateRun"] = broken
    body = await body_of(edge)
    assert names(body) == ["thread.run.created", "error", "done"]
    assert b"secret" not in body
    assert error_in(body)["type"] == "server_error"


async def test_an_event_that_this_edge_does_not_know_ends_as_an_error(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    core.streams["StreamCreateRun"] = scripted(batch(event_pb2.RunEvent(id="1-1")))
    assert names(await body_of(edge)) == ["error", "done"]


async def test_a_silent_run_starts_its_response_and_pings(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, heartbeat_seconds=0.01)
    go_on = asyncio.Event()

    async def slow(_request: Any, _context: Context) -> Batches:
        await go_on.wait()
        yield batch(completed("1-1"))

    core.streams["StreamCreateRun"] = slow
    async with edge.post(START[0], json=START[1]) as response:
        assert response.status == 200
        assert await response.content.readexactly(17) == b": ping\n: ping\n: p"
        go_on.set()
        rest = await response.read()
    assert names(rest) == ["thread.run.completed", "done"]


async def test_a_client_that_leaves_an_idle_stream_ends_its_call_only(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, heartbeat_seconds=3600)
    ended: dict[str, asyncio.Event] = {"leaves": asyncio.Event(), "stays": asyncio.Event()}
    leaver_waits, finish = asyncio.Event(), asyncio.Event()

    async def idle(request: run_pb2.StreamRunEventsRequest, _context: Context) -> Batches:
        try:
            yield batch(created())
            if request.run_id == "leaves":
                leaver_waits.set()
            await finish.wait()
            yield batch(completed("1-2"))
        finally:
            ended[request.run_id].set()

    core.streams["StreamRunEvents"] = idle
    stays = await edge.get("/v1/threads/t/runs/stays/events")
    await stays.content.readuntil(b"\n\n")
    leaves = await edge.get("/v1/threads/t/runs/leaves/events")
    await leaves.content.readuntil(b"\n\n")
    await leaver_waits.wait()
    leaves.close()
    await ended["leaves"].wait()
    assert not ended["stays"].is_set()
    finish.set()
    assert names(await stays.read()) == ["thread.run.completed", "done"]


async def test_a_client_that_leaves_before_the_stream_is_accepted(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address)
    asked, ended = asyncio.Event(), asyncio.Event()

    async def silent(_request: Any, _context: Context) -> thread_pb2.Thread:
        asked.set()
        try:
            await forever()
        finally:
            ended.set()
        return thread_pb2.Thread()

    core.unary["GetThread"] = silent
    request = asyncio.create_task(edge.get("/v1/threads/t"))
    await asked.wait()
    request.cancel()
    await ended.wait()


async def test_a_stream_that_is_never_accepted(start_edge: StartEdge, core: FakeCore) -> None:
    core.hold = asyncio.Event()
    edge = await start_edge(core.address, request_timeout=0.05)
    async with edge.post(START[0], json=START[1]) as response:
        assert response.status == 504
        assert (await response.json())["error"]["type"] == "server_error"


async def test_stopping_ends_what_still_streams(core: FakeCore) -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def idle(_request: Any, _context: Context) -> Batches:
        try:
            yield batch(created())
            waits.set()
            await forever()
        finally:
            ended.set()

    core.streams["StreamCreateRun"] = idle
    async with open_channel([core.address]) as channel:
        server = EdgeServer(create_app(channel, EdgeConfig()))
        await server.start("127.0.0.1", 0)
        async with aiohttp.ClientSession(server.url, headers=HEADERS) as session:
            response = await session.post(START[0], json=START[1])
            await response.content.readuntil(b"\n\n")
            await waits.wait()
            await server.stop(0)
            await ended.wait()
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_a_slow_client_slows_the_core_down(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    sent = 0
    text = "x" * 100_000

    async def flood(_request: Any, _context: Context) -> Batches:
        nonlocal sent
        for number in range(1000):
            yield batch(delta(f"1-{number + 1}", text))
            sent += 1

    core.streams["StreamCreateRun"] = flood
    async with edge.post(START[0], json=START[1]) as response:
        await response.content.readuntil(b"data: ")
        # 100 MB do not fit into the buffers between the two ends.
        assert sent < 1000
        response.close()


async def test_a_client_that_reads_nothing_is_cut_off(
    start_edge: StartEdge, core: FakeCore
) -> None:
    ended = asyncio.Event()
    text = "x" * 100_000

    async def flood(_request: Any, _context: Context) -> Batches:
        try:
            for number in range(100_000):
                yield batch(delta(f"1-{number + 1}", text))
        finally:
            ended.set()

    core.streams["StreamCreateRun"] = flood
    edge = await start_edge(core.address, client_silence=0.2)
    async with edge.post(START[0], json=START[1]) as response:
        await response.content.readuntil(b"data: ")
        await ended.wait()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
