"""Bytes out of the core's stream, whole or visibly not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.edge.answers import error_of
from tests.edge.conftest import HEADERS, StartEdge
from tests.edge.fake_core import Context, FakeCore, Stream, fail, forever
from understudy.v1 import file_pb2

CONTENT = "/v1/files/file-1/content"
MEGABYTE = 1024 * 1024
Parts = AsyncIterator[file_pb2.GetFileContentResponse]


def head(size: int, *, filename: str = "a.txt", id: str = "file-1") -> Any:
    file = file_pb2.File(id=id, bytes=size, filename=filename)
    return file_pb2.GetFileContentResponse(file=file)


def data(*pieces: bytes) -> list[Any]:
    return [file_pb2.GetFileContentResponse(data=piece) for piece in pieces]


def scripted(*parts: Any) -> Stream:
    async def stream(_request: Any, _context: Context) -> Parts:
        for each in parts:
            yield each

    return stream


async def test_bytes_come_as_they_are(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.streams["GetFileContent"] = scripted(head(5, filename="<é>.html"), *data(b"he", b"llo"))
    async with edge.get(CONTENT, headers={"Range": "bytes=1-2", "Accept": "x/y"}) as response:
        assert response.status == 200
        assert await response.read() == b"hello"
        assert response.headers["Content-Length"] == "5"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Disposition"] == (
            "attachment; filename=\"___.html\"; filename*=UTF-8''%3C%C3%A9%3E.html"
        )
        assert response.headers["x-request-id"].startswith("req_")
    assert core.request("GetFileContent").file_id == "file-1"


async def test_head_has_no_bytes(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.streams["GetFileContent"] = scripted(head(5), *data(b"hello"))
    async with edge.head(CONTENT) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == "5"
        assert await response.read() == b""
    async with edge.get("/v1/files") as response:
        assert response.status == 200


async def test_nothing_is_a_file_too(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.streams["GetFileContent"] = scripted(head(0))
    async with edge.get(CONTENT) as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_a_refusal_is_json(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async def missing(_request: Any, context: Context) -> Parts:
        await fail(context, "NOT_FOUND", "No such File object: file-1", param="id")
        yield head(0)

    core.streams["GetFileContent"] = missing
    async with edge.get(CONTENT) as response:
        assert response.status == 404
        assert error_of(await response.json()) == ("invalid_request_error", "id", None)
    async with edge.get(CONTENT, headers={"Authorization": "Bearer no"}) as response:
        assert response.status == 401
    async with edge.get(f"{CONTENT}?foo=1") as response:
        assert response.status == 400


async def test_a_core_that_says_nothing(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.streams["GetFileContent"] = scripted()
    async with edge.get(CONTENT) as response:
        assert response.status == 500


async def broken(_request: Any, context: Context) -> Parts:
    yield head(10)
    yield data(b"hello")[0]
    await fail(context, "INTERNAL", "secret")


async def lost(_request: Any, context: Context) -> Parts:
    yield head(10)
    yield data(b"hello")[0]
    await fail(context, "UNAVAILABLE", "away")


async def silent(_request: Any, _context: Context) -> Parts:
    yield head(10)
    yield data(b"hello")[0]
    await forever()


@pytest.mark.parametrize(
    "stream",
    [
        broken,
        lost,
        silent,
        scripted(head(10), *data(b"hello")),
        scripted(head(10), *data(b"hello", b"too much")),
    ],
)
async def test_what_is_not_whole_does_not_look_whole(
    start_edge: StartEdge, core: FakeCore, stream: Stream
) -> None:
    timeout = 5 if stream is silent else 60
    edge = await start_edge(core.address, request_timeout=timeout, resume_seconds=0.1)
    core.streams["GetFileContent"] = stream
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        async with edge.get(CONTENT) as response:
            await response.read()
    # Others are served as before.
    async with edge.get("/v1/files") as response:
        assert response.status == 200


async def test_another_core_reads_on(start_edge: StartEdge, stack: Any) -> None:
    """Whichever core has the download dies in its middle."""
    cores = (FakeCore(), FakeCore())
    opened: list[FakeCore] = []
    content = bytes(range(200)) * 5

    def reading(core: FakeCore, size: int) -> Stream:
        async def read(_request: Any, _context: Context) -> Parts:
            opened.append(core)
            yield head(len(content))
            for at in range(0, len(content), size):
                if len(opened) == 1 and at >= 500:
                    await forever()
                yield data(content[at : at + size])[0]

        return read

    for core, size in zip(cores, (100, 70), strict=True):
        core.streams["GetFileContent"] = reading(core, size)
        await core.start()
        stack.push_async_callback(core.stop)
    edge = await start_edge(",".join(core.address for core in cores))
    async with edge.get(CONTENT) as response:
        assert response.status == 200
        begun = await response.content.readexactly(490)
        await opened[0].stop()
        assert begun + await response.read() == content
    assert [core for core in cores if core not in opened] == []


async def test_another_file_is_not_read_on(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    tried = 0

    async def changing(_request: Any, context: Context) -> Parts:
        nonlocal tried
        tried += 1
        yield head(10, id=f"file-{tried}")
        yield data(b"hello")[0]
        await fail(context, "UNAVAILABLE", "away")

    core.streams["GetFileContent"] = changing
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        async with edge.get(CONTENT) as response:
            await response.read()
    assert tried == 2


async def test_a_core_that_is_not_there_yet_is_asked_again(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    tried = 0

    async def late(_request: Any, context: Context) -> Parts:
        nonlocal tried
        tried += 1
        if tried == 1:
            await fail(context, "UNAVAILABLE", "away")
        yield head(5)
        yield data(b"hello")[0]

    core.streams["GetFileContent"] = late
    async with edge.get(CONTENT) as response:
        assert (response.status, await response.read()) == (200, b"hello")


async def test_a_client_that_goes_away_ends_the_call(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    ended = asyncio.Event()

    async def endless(_request: Any, _context: Context) -> Parts:
        try:
            yield head(1000 * MEGABYTE)
            for _ in range(1000):
                yield data(bytes(MEGABYTE))[0]
        finally:
            ended.set()

    core.streams["GetFileContent"] = endless
    async with aiohttp.ClientSession(edge._base_url, headers=HEADERS) as session:
        response = await session.get(CONTENT)
        await response.content.readexactly(MEGABYTE)
        response.close()
    await asyncio.wait_for(ended.wait(), 60)


async def test_a_client_that_takes_nothing_is_given_up(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, client_silence=1)
    ended = asyncio.Event()
    sent = 0

    async def endless(_request: Any, _context: Context) -> Parts:
        nonlocal sent
        try:
            yield head(1000 * MEGABYTE)
            for _ in range(1000):
                sent += 1
                yield data(bytes(MEGABYTE))[0]
        finally:
            ended.set()

    core.streams["GetFileContent"] = endless
    async with edge.get(CONTENT) as response:
        assert response.status == 200
        await asyncio.wait_for(ended.wait(), 60)
        # Its pace was the client's.
        assert sent < 200
