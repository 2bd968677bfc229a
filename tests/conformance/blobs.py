"""What every place of blobs has to pass: subclass it and give it the fixtures.

``blobs``: an empty place; ``remains``: gives the names of whatever is there, of what was begun and never ended too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from random import Random
from typing import TypeAlias

import pytest

from tests.conformance.memory_peak import MemoryPeak
from understudy_server.blobs.port import CHUNK, Blobs
from understudy_server.errors import BlobMissing

MB = 1024 * 1024

Remains: TypeAlias = Callable[[], Awaitable[list[str]]]


class BrokenError(Exception):
    """Of a source that fails."""


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def kept(blobs: Blobs, key: str, *, start: int = 0, length: int | None = None) -> bytes:
    found = bytearray()
    async with aclosing(blobs.read(key, start=start, length=length)) as chunks:
        async for chunk in chunks:
            assert 0 < len(chunk) <= CHUNK
            found += chunk
    return bytes(found)


async def is_missing(blobs: Blobs, key: str) -> bool:
    try:
        await kept(blobs, key)
    except BlobMissing:
        return True
    return False


class BlobConformance:
    """All of it; there is no part that a place may leave out."""

    @pytest.mark.parametrize("size", [0, 1, 99_999, CHUNK - 1, CHUNK, CHUNK + 1, 11 * MB + 5])
    async def test_what_is_written_is_read(self, blobs: Blobs, size: int) -> None:
        content = Random(size).randbytes(size)
        assert await blobs.write("project/blob", pieces(content)) == size
        assert await kept(blobs, "project/blob") == content

    async def test_pieces_of_any_size(self, blobs: Blobs) -> None:
        random = Random(1)
        parts = [random.randbytes(size) for size in (0, 1, 6 * MB, 0, 3, 5 * MB, 700_000, 0)]

        async def source() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        assert await blobs.write("project/blob", source()) == sum(map(len, parts))
        assert await kept(blobs, "project/blob") == b"".join(parts)

    @pytest.mark.parametrize(
        ("start", "length"),
        [
            (0, 0),
            (0, 1),
            (1, 5),
            (5 * MB - 1, 2),
            (0, 6 * MB),
            (3, None),
            (6 * MB - 1, None),
            (6 * MB - 1, 9),
            (6 * MB, None),
            (6 * MB, 1),
            (6 * MB + 5, None),
            (6 * MB + 5, 9),
            (0, 7 * MB),
        ],
    )
    async def test_ranges(self, blobs: Blobs, start: int, length: int | None) -> None:
        content = Random(2).randbytes(6 * MB)
        await blobs.write("project/blob", pieces(content))
        expected = content[start:] if length is None else content[start : start + length]
        assert await kept(blobs, "project/blob", start=start, length=length) == expected

    async def test_a_blob_that_is_not_there(self, blobs: Blobs) -> None:
        for length in (None, 0, 5):
            with pytest.raises(BlobMissing):
                await kept(blobs, "project/blob", length=length)
        await blobs.write("project/other", pieces(b"x"))
        assert await is_missing(blobs, "project/blob")

    async def test_a_blob_is_deleted_as_often_as_one_likes(
        self, blobs: Blobs, remains: Remains
    ) -> None:
        await blobs.delete("project/blob")
        await blobs.write("project/blob", pieces(b"x"))
        await blobs.delete("project/blob")
        await blobs.delete("project/blob")
        assert await is_missing(blobs, "project/blob")
        assert await remains() == []

    async def test_a_key_that_is_there_is_replaced(self, blobs: Blobs) -> None:
        await blobs.write("project/blob", pieces(b"long before"))
        await blobs.write("project/blob", pieces(b"now"))
        assert await kept(blobs, "project/blob") == b"now"

    async def test_two_projects(self, blobs: Blobs) -> None:
        await blobs.write("one/blob", pieces(b"one"))
        await blobs.write("two/blob", pieces(b"two"))
        await blobs.delete("one/blob")
        assert await is_missing(blobs, "one/blob")
        assert await kept(blobs, "two/blob") == b"two"

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "blob",
            "/blob",
            "project/",
            "project/../blob",
            "../project/blob",
            "project/.blob",
            "project/blob.txt",
            "project\\blob",
            "project/bl ob",
            "project/blöb",
            "project/blob\n",
            "a/b/c",
            f"project/{'x' * 65}",
        ],
    )
    async def test_a_key_that_is_none(self, blobs: Blobs, remains: Remains, key: str) -> None:
        with pytest.raises(ValueError, match="not a blob key"):
            await blobs.write(key, pieces(b"x"))
        with pytest.raises(ValueError, match="not a blob key"):
            await kept(blobs, key)
        with pytest.raises(ValueError, match="not a blob key"):
            await blobs.delete(key)
        assert await remains() == []

    @pytest.mark.parametrize("good", [0, 1, 500_000, 13 * MB])
    async def test_nothing_is_kept_of_a_source_that_fails(
        self, blobs: Blobs, remains: Remains, good: int
    ) -> None:
        async def source() -> AsyncIterator[bytes]:
            async for piece in pieces(bytes(good)):
                yield piece
            raise BrokenError

        with pytest.raises(BrokenError):
            await blobs.write("project/blob", source())
        assert await is_missing(blobs, "project/blob")
        assert await remains() == []

    async def test_what_was_there_before_outlives_a_source_that_fails(self, blobs: Blobs) -> None:
        async def source() -> AsyncIterator[bytes]:
            yield b"new"
            raise BrokenError

        await blobs.write("project/blob", pieces(b"old"))
        with pytest.raises(BrokenError):
            await blobs.write("project/blob", source())
        assert await kept(blobs, "project/blob") == b"old"

    @pytest.mark.parametrize("good", [0, 1, 500_000, 13 * MB])
    async def test_nothing_is_kept_of_a_writer_that_is_cancelled(
        self, blobs: Blobs, remains: Remains, good: int
    ) -> None:
        hanging = asyncio.Event()

        async def source() -> AsyncIterator[bytes]:
            async for piece in pieces(bytes(good)):
                yield piece
            hanging.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(blobs.write("project/blob", source()))
        await hanging.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await is_missing(blobs, "project/blob")
        assert await remains() == []

    async def test_a_writer_is_cancelled_at_any_moment(
        self, blobs: Blobs, remains: Remains
    ) -> None:
        for moment in range(40):
            key = f"project/{moment}"
            writing = asyncio.create_task(blobs.write(key, pieces(b"x" * 300_000)))
            for _ in range(moment):
                # Real time, too: threads and sockets go on meanwhile.
                await asyncio.sleep(0.0005 * (moment % 4))
            writing.cancel()
            try:
                await writing
            except asyncio.CancelledError:
                assert await is_missing(blobs, key)
            else:
                assert len(await kept(blobs, key)) == 300_000
                await blobs.delete(key)
        assert await remains() == []

    async def test_a_reader_that_stops_early(self, blobs: Blobs) -> None:
        await blobs.write("project/blob", pieces(bytes(3 * MB)))
        for _ in range(100):
            async with aclosing(blobs.read("project/blob")) as chunks:
                assert await anext(chunks)
        reading = asyncio.create_task(kept(blobs, "project/blob"))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert len(await kept(blobs, "project/blob")) == 3 * MB

    async def test_writers_at_the_same_time(self, blobs: Blobs, remains: Remains) -> None:
        contents = {f"project/{number}": bytes([number]) * 700_000 for number in range(12)}
        await asyncio.gather(*(blobs.write(key, pieces(c)) for key, c in contents.items()))
        for key, content in contents.items():
            assert await kept(blobs, key) == content
        assert len(await remains()) == 12

    async def test_writers_of_one_key_do_not_mix(self, blobs: Blobs, remains: Remains) -> None:
        contents = [bytes([number]) * 700_000 for number in range(8)]
        await blobs.write("project/blob", pieces(contents[0]))

        async def read() -> None:
            for _ in range(10):
                assert await kept(blobs, "project/blob", length=700_000) in contents

        await asyncio.gather(read(), *(blobs.write("project/blob", pieces(c)) for c in contents))
        assert await kept(blobs, "project/blob") in contents
        assert len(await remains()) == 1

    @pytest.mark.timeout(600)
    async def test_a_huge_blob_in_a_small_memory(self, blobs: Blobs, spare: int) -> None:
        """``spare``: bytes by which the process may grow meanwhile."""
        block, count = Random(3).randbytes(MB), 96
        written, read = hashlib.sha256(), hashlib.sha256()

        async def source() -> AsyncIterator[bytes]:
            for _ in range(count):
                written.update(block)
                yield block

        await blobs.write("project/small", pieces(block * 12))
        with MemoryPeak() as peak:
            await blobs.write("project/blob", source())
            async with aclosing(blobs.read("project/blob")) as chunks:
                async for chunk in chunks:
                    read.update(chunk)
        assert read.digest() == written.digest()
        assert peak.grown < spare

    async def test_ping(self, blobs: Blobs, remains: Remains) -> None:
        await blobs.ping()
        assert await remains() == []
