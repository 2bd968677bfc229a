"""What is kept in memory, how much of it, and searches at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.server.retrieval.library import (
    CountingBlobs,
    FakeEmbeddings,
    Library,
    document,
    files,
    search,
)
from understudy_server.errors import BlobsUnavailable
from understudy_server.retrieval.embedded import EmbeddedRetrieval


async def test_searches_at_the_same_time_load_once(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    assert isinstance(library.blobs, CountingBlobs)
    for number in range(6):
        await library.add(f"file-{number}", document(f"red fox {number}"))
    retrieval = retrieval_of(library)
    found = await asyncio.gather(
        *(retrieval.search(search(library, "nothing like it")) for _ in range(20))
    )
    assert not any(found)
    assert len(library.blobs.reads) == 6


async def test_a_load_that_is_left_is_gone_on_with(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    assert isinstance(library.blobs, CountingBlobs)
    blobs = library.blobs
    keys = [await library.add(f"file-{n}", document(f"red fox {n}")) for n in range(8)]
    standing = asyncio.Event()

    async def wait(key: str) -> None:
        if key == keys[-1]:
            standing.set()
            await asyncio.Event().wait()

    blobs.before_read = wait
    retrieval = retrieval_of(library)
    first = asyncio.create_task(retrieval.search(search(library, "fox")))
    await standing.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    blobs.before_read = None
    blobs.reads.clear()
    assert not await retrieval.search(search(library, "nothing"))
    # A few are read at a time, so the first ones had arrived.
    assert keys[0] not in blobs.reads
    assert keys[-1] in blobs.reads
    assert len(await retrieval.search(search(library, "fox"))) == 8


async def test_blobs_that_cannot_be_reached_are_an_error_and_nothing_is_kept_of_it(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    assert isinstance(library.blobs, CountingBlobs)

    async def fail(_: str) -> None:
        raise BlobsUnavailable("away")

    await library.add("file-a", document("red fox"))
    retrieval = retrieval_of(library)
    library.blobs.before_read = fail
    with pytest.raises(BlobsUnavailable):
        await retrieval.search(search(library, "fox"))
    library.blobs.before_read = None
    assert files(await retrieval.search(search(library, "fox"))) == ["file-a"]


async def test_memory_stays_within_its_bound(
    retrieval_of: Callable[..., EmbeddedRetrieval],
) -> None:
    first = Library()
    shelves = [first, *(Library(first.store, first.blobs, id=f"vs_{n}") for n in range(2, 7))]
    memory = 60_000
    for shelf in shelves:
        for number in range(6):
            chunks = [f"red fox {number} {n} " + "sea " * 40 for n in range(10)]
            await shelf.add(f"file-{number}", document(*chunks, model="acme/new"))
    retrieval = retrieval_of(first, FakeEmbeddings("acme/new"), memory=memory)
    for shelf in [*shelves, *reversed(shelves), *shelves]:
        assert len(await retrieval.search(search(shelf, "red fox 3"))) == 10
        assert retrieval.bytes <= memory


async def test_the_store_that_was_searched_last_stays_in_memory(
    retrieval_of: Callable[..., EmbeddedRetrieval],
) -> None:
    first = Library()
    assert isinstance(first.blobs, CountingBlobs)
    second = Library(first.store, first.blobs, id="vs_2")
    third = Library(first.store, first.blobs, id="vs_3")
    for shelf in (first, second, third):
        await shelf.add("file-a", document(*["red fox"] * 40, model="acme/new"))
    retrieval = retrieval_of(first, FakeEmbeddings("acme/new"), memory=14_000)
    for shelf in (first, second, first, third):
        await retrieval.search(search(shelf, "nothing", ranking="fused"))
    first.blobs.reads.clear()
    await retrieval.search(search(first, "nothing at all", threshold=1.0))
    assert not [key for key in first.blobs.reads if key.startswith("vs_1/")]
    await retrieval.search(search(second, "nothing at all", threshold=1.0))
    assert [key for key in first.blobs.reads if key.startswith("vs_2/")]


async def test_searches_while_files_come_and_go(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    retrieval = retrieval_of(library, FakeEmbeddings("acme/new"), memory=40_000)
    await library.add("file-stays", document("red fox stays", model="acme/new"))

    async def change() -> None:
        for number in range(40):
            await library.add(f"file-{number}", document(f"sea {number}", model="acme/new"))
            if number >= 5:
                await library.remove(f"file-{number - 5}")

    async def ask() -> None:
        for _ in range(15):
            assert "file-stays" in files(await retrieval.search(search(library, "stays")))

    with capture_logs():
        await asyncio.gather(change(), *(ask() for _ in range(4)))
    found = files(await retrieval.search(search(library, "sea stays")))
    assert sorted(found) == ["file-35", "file-36", "file-37", "file-38", "file-39", "file-stays"]
