"""What a core says of a key's limits reaches the client as headers, on every kind of answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import Context, FakeCore, fail
from understudy.v1 import assistant_pb2, event_pb2, file_pb2, run_pb2
from understudy_edge.config import CorsPolicy
from understudy_edge.told import hear, listen

TOLD = (("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "7"))
PAIRS = (*TOLD, ("x-other", "secret"), ("server", "core"))


def told(response: aiohttp.ClientResponse) -> dict[str, str]:
    assert "x-other" not in response.headers
    assert response.headers["Server"] == "understudy"
    found = response.headers.items()
    return {name: value for name, value in found if name.lower().startswith("x-ratelimit-")}


@pytest.fixture
def core(core: FakeCore) -> FakeCore:
    async def create(_request: Any, context: Context) -> assistant_pb2.Assistant:
        context.set_trailing_metadata(PAIRS)
        return assistant_pb2.Assistant(id="asst_1")

    async def refuse(_request: Any, context: Context) -> assistant_pb2.Assistant:
        await fail(context, "NOT_FOUND", "None.", pairs=PAIRS)
        raise AssertionError

    async def upload(requests: AsyncIterator[Any], context: Context) -> file_pb2.File:
        context.set_trailing_metadata(PAIRS)
        _ = [request async for request in requests]
        return file_pb2.File(id="file-1")

    async def events(_request: Any, _context: Context) -> AsyncIterator[event_pb2.RunEventBatch]:
        yield event_pb2.RunEventBatch(
            events=[event_pb2.RunEvent(id="1-1", run_completed=run_pb2.Run(id="run_1"))]
        )

    core.unary["CreateAssistant"] = create
    core.unary["GetAssistant"] = refuse
    core.uploads["CreateFile"] = upload
    core.streams["StreamCreateRun"] = events
    core.initial = PAIRS
    return core


async def test_an_answer(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.post("/v1/assistants", json={"model": "m"}) as response:
        assert (response.status, told(response)) == (200, dict(TOLD))


async def test_a_refusal(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.get("/v1/assistants/asst_1") as response:
        assert (response.status, told(response)) == (404, dict(TOLD))


async def test_a_stream(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    body = {"assistant_id": "asst_1", "stream": True}
    async with edge.post("/v1/threads/t/runs", json=body) as response:
        assert (response.status, told(response)) == (200, dict(TOLD))
        assert b"event: done" in await response.read()


async def test_an_upload(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    form = aiohttp.FormData()
    form.add_field("purpose", "user_data")
    form.add_field("file", b"content", filename="a.txt")
    async with edge.post("/v1/files", data=form) as response:
        assert (response.status, told(response)) == (200, dict(TOLD))


async def test_a_download(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.get("/v1/files/file-1/content") as response:
        assert (response.status, told(response)) == (200, dict(TOLD))


async def test_one_request_tells_nothing_of_another(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    for path, expected in (("/v1/assistants/asst_1", dict(TOLD)), ("/v1/models", {})):
        async with edge.get(path) as response:
            assert told(response) == expected


async def test_pages_may_read_them(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, cors=CorsPolicy(origins=("https://a.example",)))
    headers = {"Origin": "https://a.example"}
    async with edge.post("/v1/assistants", json={"model": "m"}, headers=headers) as response:
        exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
        assert told(response).keys() <= set(exposed)
        assert "retry-after" in exposed


def test_outside_of_a_request_nobody_listens() -> None:
    hear(TOLD)
    found: dict[str, str] = {}
    listen(found)
    hear((("x-ratelimit-limit-requests", "1"), ("other", "2")))
    hear(TOLD)
    hear(None)
    assert found == dict(TOLD)
