"""Large files: what they take of memory, and what becomes of them when a core is killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.servers import (
    KEY,
    UPSTREAM_KEY,
    Deployment,
    Layout,
    Process,
    deployed,
    environment,
    start,
)
from tests.upstream.threaded import ThreadedUpstream

MEGABYTE = 1024 * 1024
SIZE = 512 * MEGABYTE
MOST = 100 * MEGABYTE
"""Bytes of memory that a process may take for it."""

BLOCK = random.Random(11).randbytes(MEGABYTE)
_TWICE = BLOCK * 2


@pytest.fixture(params=["serve", "core+edge"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    layout: Layout = request.param
    with (
        ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream,
        deployed(layout, tmp_path, upstream) as deployment,
    ):
        yield deployment


class Memory:
    """What one process takes, from now on."""

    def __init__(self, process: Process) -> None:
        self._folder = Path(f"/proc/{process.popen.pid}")
        # Peaks of before are forgotten.
        (self._folder / "clear_refs").write_text("5")
        self._before = self._bytes("VmRSS")

    def more(self) -> int:
        """Bytes of its highest peak above what it had."""
        return self._bytes("VmHWM") - self._before

    def _bytes(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")


def open_session(url: str) -> aiohttp.ClientSession:
    """``url`` ends in ``/v1``."""
    return aiohttp.ClientSession(
        base_url=f"{url}/",
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=aiohttp.ClientTimeout(total=None),
    )


async def content(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MEGABYTE):
        yield BLOCK


async def send(session: aiohttp.ClientSession, size: int) -> str:
    """The id of a file of so many bytes, of which nobody holds more than a block."""
    form = aiohttp.FormData()
    form.add_field("file", content(size), filename="a.bin", content_type="text/plain")
    form.add_field("purpose", "vision")
    async with session.post("files", data=form) as response:
        answer = await response.json()
        assert response.status == 200, answer
    assert answer["bytes"] == size
    file_id: str = answer["id"]
    return file_id


async def fetch(session: aiohttp.ClientSession, file_id: str, size: int) -> None:
    async with session.get(f"files/{file_id}/content") as response:
        assert response.status == 200
        await compare(response, size)


async def compare(response: aiohttp.ClientResponse, size: int) -> None:
    at = 0
    async for piece in response.content.iter_chunked(MEGABYTE):
        begin = at % MEGABYTE
        assert piece == _TWICE[begin : begin + len(piece)]
        at += len(piece)
    assert at == size


@pytest.mark.timeout(1_800)
async def test_half_a_gigabyte_takes_little_memory(deployment: Deployment) -> None:
    async with open_session(deployment.url) as session:
        # What is made once, such as buffers and modules, is not counted.
        await fetch(session, await send(session, 4 * MEGABYTE), 4 * MEGABYTE)
        memories = [Memory(process) for process in deployment.processes]
        file_id = await send(session, SIZE)
        up = [memory.more() for memory in memories]
        await fetch(session, file_id, SIZE)
        both = [memory.more() for memory in memories]
        async with session.delete(f"files/{file_id}") as response:
            assert response.status == 200
    assert max(up + both) < MOST, (up, both)
    print([amount // MEGABYTE for amount in up + both])  # noqa: T201  (pytest shows it on demand)


@pytest.mark.timeout(600)
async def test_downloads_outlive_their_core(tmp_path: Path) -> None:
    """One on each core, begun and not read; then one core is killed."""
    size = 128 * MEGABYTE
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream, ExitStack() as stack:
        store = f"sqlite:///{tmp_path}/data/understudy.db?shared=true"
        variables = environment(tmp_path, upstream, store)
        cores = []
        for number in range(2):
            cores.append(start(["core"], tmp_path, variables, log=f"core{number}.log"))
            stack.callback(cores[-1].kill)
        addresses = ",".join(core.facts["gRPC"] for core in cores)
        edge = start(["edge", "--core", addresses], tmp_path, variables)
        stack.callback(edge.kill)
        async with open_session(edge.facts["REST"]) as session:
            path = f"files/{await send(session, size)}/content"
            async with session.get(path) as first, session.get(path) as second:
                cores[0].kill()
                await compare(first, size)
                await compare(second, size)


@pytest.mark.timeout(600)
async def test_an_upload_that_is_cut_off_leaves_nothing(deployment: Deployment) -> None:
    folder = deployment.processes[0].log.parent / "data" / "files"
    async with open_session(deployment.url) as session:

        async def body() -> AsyncIterator[bytes]:
            async for block in content(8 * MEGABYTE):
                yield block
            await asyncio.Event().wait()

        form = aiohttp.FormData()
        form.add_field("file", body(), filename="a.bin", content_type="text/plain")
        form.add_field("purpose", "vision")
        sending = asyncio.create_task(session.post("files", data=form).__aenter__())
        await _until(lambda: holds(folder))
        sending.cancel()
        await _until(lambda: not holds(folder))
        async with session.get("files") as response:
            assert (await response.json())["data"] == []


def holds(folder: Path) -> bool:
    """Whether there is any file."""
    return any(path.is_file() for path in folder.rglob("*"))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110  what happens in another process sets no event
            await asyncio.sleep(0.02)
