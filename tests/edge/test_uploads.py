"""Forms that hold files, over a real HTTP server, a real channel and a scripted core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.edge.answers import error_of
from tests.edge.conftest import StartEdge
from tests.edge.fake_core import Context, FakeCore, fail, forever
from tests.edge.test_multipart import BOUNDARY, FILE, MALFORMED, NAMELESS, field, form_of, part
from understudy.v1 import file_pb2, upload_pb2
from understudy_edge.uploads import LARGEST_PIECE

HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
FILES = "/v1/files"
MEGABYTE = 1024 * 1024
PURPOSE = field("purpose", b"assistants")
GOOD = form_of(PURPOSE, part(FILE, b"hello"))


@pytest.mark.parametrize(
    "body",
    [GOOD, form_of(part(FILE, b"hello"), PURPOSE)],
    ids=["fields first", "file first"],
)
async def test_a_form_becomes_a_stream(
    edge: aiohttp.ClientSession, core: FakeCore, body: bytes
) -> None:
    async with edge.post(FILES, data=body, headers=HEADERS) as response:
        assert response.status == 200, await response.text()
        assert (await response.json())["object"] == "file"
    metadata, data = core.uploaded("CreateFile")
    assert metadata == file_pb2.NewFile(
        filename="a.txt", purpose=file_pb2.UPLOAD_PURPOSE_ASSISTANTS
    )
    assert data == b"hello"
    assert core.calls[0].metadata["idempotency-key"]


async def test_all_fields_of_a_file(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", b"x", filename="grüße 文件.txt", content_type="text/plain")
    form.add_field("purpose", "user_data")
    form.add_field("expires_after[anchor]", "created_at")
    form.add_field("expires_after[seconds]", "3600")
    async with edge.post(FILES, data=form, headers={"Idempotency-Key": "k"}) as response:
        assert response.status == 200, await response.text()
    metadata, _ = core.uploaded("CreateFile")
    assert metadata.filename == "grüße 文件.txt"
    assert metadata.expires_after.seconds == 3600
    assert core.calls[0].metadata["idempotency-key"] == "k"


async def test_what_only_the_path_says_goes_first(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    body = form_of(part(FILE.replace(b'"file"', b'"data"'), b"hello"))
    async with edge.post("/v1/uploads/u%201/parts", data=body, headers=HEADERS) as response:
        assert response.status == 200, await response.text()
    first, *rest = core.request("AddUploadPart")
    assert first.metadata == upload_pb2.NewUploadPart(upload_id="u 1")
    assert b"".join(message.data for message in rest) == b"hello"


async def test_a_part_of_an_upload_has_no_fields(edge: aiohttp.ClientSession) -> None:
    body = form_of(part(NAMELESS.replace(b'"file"', b'"data"'), b"x"), field("upload_id", b"u"))
    async with edge.post("/v1/uploads/u/parts", data=body, headers=HEADERS) as response:
        assert response.status == 400
        told = ("invalid_request_error", "upload_id", "unknown_parameter")
        assert error_of(await response.json()) == told


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (form_of(PURPOSE), "file", "missing_required_parameter"),
        (form_of(part(FILE, b"x")), "purpose", "missing_required_parameter"),
        (form_of(part(FILE, b"x"), field("purpose", b"x")), "purpose", None),
        (form_of(PURPOSE, part(NAMELESS, b"x")), "file", "invalid_value"),
        (form_of(PURPOSE, part(FILE, b"x"), part(FILE, b"y")), "file", "invalid_value"),
        (form_of(PURPOSE, PURPOSE, part(FILE, b"x")), "purpose", "invalid_value"),
        (form_of(part(FILE, b"x"), field("foo", b"")), "foo", "unknown_parameter"),
        (form_of(part(FILE, b"x"), field("filename", b"b")), "filename", "unknown_parameter"),
        (
            form_of(PURPOSE, part(FILE, b"x"), field("expires_after[seconds]", b"x")),
            "expires_after.seconds",
            "invalid_type",
        ),
        *[(body, None, "invalid_value") for body, _ in MALFORMED],
    ],
)
async def test_bad_forms(
    edge: aiohttp.ClientSession, core: FakeCore, body: bytes, param: str | None, code: str | None
) -> None:
    async with edge.post(FILES, data=body, headers=HEADERS) as response:
        assert response.status == 400
        assert error_of(await response.json()) == ("invalid_request_error", param, code)
    assert "CheckKey" in core.methods()


@pytest.mark.parametrize("kind", ["application/json", "", "multipart/form-data"])
async def test_bodies_that_are_no_forms(
    edge: aiohttp.ClientSession, core: FakeCore, kind: str
) -> None:
    async with edge.post(FILES, data=GOOD, headers={"Content-Type": kind}) as response:
        assert response.status == 400
        assert "form" in (await response.json())["error"]["message"]
    assert core.methods() == ["CheckKey"]


async def test_a_query_is_looked_at(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    async with edge.post(f"{FILES}?purpose=batch", data=GOOD, headers=HEADERS) as response:
        assert response.status == 400
        told = ("invalid_request_error", "purpose", "unknown_parameter")
        assert error_of(await response.json()) == told


def endless(*, beginning: bytes = b"") -> tuple[Callable[[], AsyncIterator[bytes]], list[int]]:
    """A body that ends when its server does, and how many bytes of it were taken so far."""
    taken = [0]

    async def body() -> AsyncIterator[bytes]:
        yield beginning or b"--b0\r\n" + FILE + b"\r\n\r\n"
        while True:
            taken[0] += MEGABYTE // 4
            yield bytes(MEGABYTE // 4)

    return body, taken


async def test_a_bad_key_is_told_in_the_middle(edge: aiohttp.ClientSession) -> None:
    body, _ = endless()
    headers = {**HEADERS, "Authorization": "Bearer sk-bad"}
    async with edge.post(FILES, data=body(), headers=headers) as response:
        assert response.status == 401
        assert error_of(await response.json())[2] == "invalid_api_key"


async def test_a_refusal_of_the_core_is_told_in_the_middle(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    async def full(requests: AsyncIterator[Any], context: Context) -> file_pb2.File:
        await anext(requests)
        await fail(context, "REQUEST_TOO_LARGE", "Too large.")
        return file_pb2.File()

    core.uploads["CreateFile"] = full
    body, _ = endless()
    async with edge.post(FILES, data=body(), headers=HEADERS) as response:
        assert response.status == 413
        assert error_of(await response.json())[2] == "request_too_large"


async def test_a_bad_field_in_front_of_a_file_is_told_in_the_middle(
    edge: aiohttp.ClientSession,
) -> None:
    body, _ = endless(beginning=field("purpose", b"x") + b"--b0\r\n" + FILE + b"\r\n\r\n")
    async with edge.post(FILES, data=body(), headers=HEADERS) as response:
        assert response.status == 400
        assert "is not one of" in (await response.json())["error"]["message"]


async def test_a_slow_core_slows_the_client(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    sizes: list[int] = []

    async def slow(requests: AsyncIterator[Any], _context: Context) -> file_pb2.File:
        begun.set()
        await go_on.wait()
        sizes.extend([len(message.data) async for message in requests])
        return file_pb2.File()

    core.uploads["CreateFile"] = slow
    total = 64 * MEGABYTE
    taken = 0
    stuck = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        yield PURPOSE + b"--b0\r\n" + FILE + b"\r\n\r\n"
        while taken < total:
            taken += MEGABYTE // 4
            stuck.set()
            yield bytes(MEGABYTE // 4)
        yield b"\r\n--b0--\r\n"

    async def wait_until_stuck() -> None:
        """No more is taken, however often others had their turns."""
        await begun.wait()
        idle = 0
        while idle < 20:
            stuck.clear()
            try:
                await asyncio.wait_for(stuck.wait(), 0.05)
                idle = 0
            except TimeoutError:
                idle += 1

    async with asyncio.TaskGroup() as group:
        sent = group.create_task(edge.post(FILES, data=body(), headers=HEADERS).__aenter__())
        await wait_until_stuck()
        assert taken < total / 2
        go_on.set()
        response = await sent
    assert response.status == 200, await response.text()
    response.release()
    assert sum(sizes) == total
    assert max(sizes) <= LARGEST_PIECE
    assert len(sizes) < total / (32 * 1024)


async def test_a_client_that_goes_away_ends_the_call(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def upload(requests: AsyncIterator[Any], _context: Context) -> file_pb2.File:
        try:
            async for _ in requests:
                begun.set()
        finally:
            ended.set()
        return file_pb2.File()

    core.uploads["CreateFile"] = upload
    body, _ = endless()
    posting = asyncio.create_task(edge.post(FILES, data=body(), headers=HEADERS).__aenter__())
    await begun.wait()
    posting.cancel()
    await asyncio.wait_for(ended.wait(), 60)


async def test_a_client_that_stands_still_is_given_up(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, client_silence=0.05)

    async def body() -> AsyncIterator[bytes]:
        yield GOOD[:-20]
        await forever()

    async with edge.post(FILES, data=body(), headers=HEADERS) as response:
        assert response.status == 400
        message = (await response.json())["error"]["message"]
    assert message == "The body of the request stopped coming."


@pytest.mark.parametrize("reads", [False, True])
async def test_a_core_that_stands_still_is_given_up(
    start_edge: StartEdge, core: FakeCore, reads: bool
) -> None:
    edge = await start_edge(core.address, request_timeout=0.3)

    async def silent(requests: AsyncIterator[Any], _context: Context) -> file_pb2.File:
        if reads:
            _ = [request async for request in requests]
        await forever()
        return file_pb2.File()

    core.uploads["CreateFile"] = silent
    body, _ = endless()
    data: Any = GOOD if reads else body()
    async with edge.post(FILES, data=data, headers=HEADERS) as response:
        assert response.status == 504


async def test_time_that_is_not_silence_is_no_matter(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, request_timeout=10, client_silence=10)
    deadlines: list[float | None] = []

    async def upload(_requests: AsyncIterator[Any], context: Context) -> file_pb2.File:
        deadlines.append(context.time_remaining())
        return file_pb2.File()

    core.uploads["CreateFile"] = upload
    async with edge.post(FILES, data=GOOD, headers=HEADERS) as response:
        assert response.status == 200
    assert deadlines == [None]


class Dying:
    """A core that is lost when it has read so many bytes of an upload."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.tried = 0

    async def __call__(self, requests: AsyncIterator[Any], context: Context) -> file_pb2.File:
        self.tried += 1
        read = 0
        while read < self.after:
            read += len((await anext(requests)).data)
        if self.tried == 1:
            await fail(context, "UNAVAILABLE", "Away.")
        return file_pb2.File(bytes=read + sum([len(r.data) async for r in requests]))


@pytest.mark.parametrize(("after", "size"), [(0, 1000), (1000, 1000), (100_000, 200_000)])
async def test_what_is_still_here_is_given_to_another_core(
    edge: aiohttp.ClientSession, core: FakeCore, after: int, size: int
) -> None:
    dying = Dying(after)
    core.uploads["CreateFile"] = dying
    body = form_of(PURPOSE, part(FILE, bytes(size)))
    async with edge.post(FILES, data=body, headers=HEADERS) as response:
        assert response.status == 200
        assert (await response.json())["bytes"] == size
    first, second = core.calls
    assert first.metadata["idempotency-key"] == second.metadata["idempotency-key"]
    assert second.metadata["previous-attempts"] == "1"


async def test_what_is_gone_is_given_to_nobody(edge: aiohttp.ClientSession, core: FakeCore) -> None:
    core.uploads["CreateFile"] = Dying(MEGABYTE)
    body = BytesIO(form_of(PURPOSE, part(FILE, bytes(2 * MEGABYTE))))
    async with edge.post(FILES, data=body, headers=HEADERS) as response:
        assert response.status == 503
    assert core.methods() == ["CreateFile"]


async def test_the_limit_of_json_bodies_is_not_that_of_files(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, body_limit=1000)
    body = BytesIO(form_of(PURPOSE, part(FILE, bytes(MEGABYTE))))
    async with edge.post(FILES, data=body, headers=HEADERS) as response:
        assert response.status == 200
    assert len(core.uploaded("CreateFile")[1]) == MEGABYTE


async def test_after_a_refusal_the_connection_goes_on(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    for _ in range(3):
        body = BytesIO(form_of(part(FILE, bytes(MEGABYTE))))
        async with edge.post(FILES, data=body, headers=HEADERS) as response:
            assert response.status == 400
        async with edge.get(FILES) as response:
            assert response.status == 200


async def test_a_refusal_in_the_middle_is_never_lost(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    """Whatever bytes were on their way when it came."""

    async def full(requests: AsyncIterator[Any], context: Context) -> file_pb2.File:
        await anext(requests)
        await fail(context, "REQUEST_TOO_LARGE", "Too large.")
        return file_pb2.File()

    core.uploads["CreateFile"] = full
    body = form_of(PURPOSE, part(FILE, bytes(MEGABYTE)))

    async def refused() -> int:
        async with edge.post(FILES, data=BytesIO(body), headers=HEADERS) as response:
            await response.read()
            return response.status

    for _ in range(15):
        assert await asyncio.gather(*(refused() for _ in range(10))) == [413] * 10
