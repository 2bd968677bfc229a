"""What a document may do to the process that reads it, and what becomes of it then."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.documents import samples
from tests.server.documents.reading import HOSTILE, opened, read
from understudy_server.documents.content import MAX_TEXT
from understudy_server.errors import BlobsUnavailable, InvalidFile


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("crash", "the process that read it crashed"),
        ("flood", "too large: it has more than"),
        ("fork", None),
        ("say text 5\\nhel", None),
        ("say bad 5\\nhello", "could not be read"),
        ("say \\xff\\xfe 5\\nhello", "could not be read"),
        ("say text 1\\n ", "could not be read"),
        ("say invalid 8\\nIt lies.", "^It lies.$"),
        ("leave 1", None),
        ("leave 0", None),
        ("kill", None),
    ],
)
async def test_a_reader_that_misbehaves(words: str, message: str | None) -> None:
    """``message`` None: no fault of the file, as far as anybody can tell."""
    async with opened(reader=HOSTILE) as documents:
        if message is None:
            with pytest.raises(OSError, match="process that reads documents"):
                await read(documents, "a.txt", words.encode())
        else:
            with pytest.raises(InvalidFile, match=message):
                await read(documents, "a.txt", words.encode())


async def test_what_it_says_is_text_whatever_its_bytes() -> None:
    async with opened(reader=HOSTILE) as documents:
        assert await read(documents, "a.txt", b"say text 4\\na\\xff\\0b") == "a\ufffdb"
        assert await read(documents, "a.txt", b"say text 2\\nabc") == "ab"


async def test_processor_time_is_bounded() -> None:
    async with opened(reader=HOSTILE, timeout=1, patience=100_000) as documents:
        with pytest.raises(InvalidFile, match="takes too long"):
            await read(documents, "a.txt", b"spin")


async def test_so_is_time_that_is_slept(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with opened(reader=HOSTILE, timeout=1, patience=-29) as documents:
        with pytest.raises(InvalidFile, match="takes too long"):
            await read(documents, "a.txt", f"sleep {pipe}".encode())


async def test_memory_is_bounded() -> None:
    async with opened(reader=HOSTILE, memory=200 * 1024**2) as documents:
        assert await read(documents, "a.txt", b"eat") == "no more memory"


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.pdf", "a.docx", "a.pptx"])
async def test_the_least_that_may_be_set_is_enough_for_small_files(name: str) -> None:
    made = {
        "a.pdf": samples.pdf("text"),
        "a.docx": samples.word("text"),
        "a.pptx": samples.slides("text"),
        "a.html": "<p>t<b>ex</b>t<p>ö".encode("latin-1") * 9,
    }
    async with opened(memory=128 * 1024**2, timeout=100) as documents:
        assert (await read(documents, name, made.get(name, b"text"))).startswith("text")


async def test_it_writes_no_files(tmp_path: Path) -> None:
    async with opened(reader=HOSTILE) as documents:
        assert await read(documents, "a.txt", f"write {tmp_path / 'x'}".encode()) == "cannot write"


async def test_it_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with opened(reader=HOSTILE) as documents:
        found = await read(documents, "a.txt", b"environment")
    assert "sk-secret" not in found
    assert "OPENAI" not in found


async def test_it_inherits_no_open_files(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb"):
        async with opened(reader=HOSTILE) as documents:
            # The last one is that of the listing itself.
            assert await read(documents, "a.txt", b"files") == "0 1 2 3"


async def test_it_reaches_no_network_where_the_kernel_lets_it_be_left() -> None:
    probe = "import ctypes; l = ctypes.CDLL(None); print(l.unshare(0x40000000) and l.unshare(0x50000000))"
    command = [sys.executable, "-c", probe]
    found = await asyncio.to_thread(subprocess.check_output, command, text=True)
    expected = "cannot connect" if found.strip() == "0" else "connected"
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(reader=HOSTILE) as documents:
            port = server.getsockname()[1]
            assert await read(documents, "a.txt", f"connect {port}".encode()) == expected


async def test_who_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    async with opened(reader=HOSTILE) as documents:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        task = asyncio.create_task(read(documents, "a.txt", f"sleep {pipe}".encode()))
        pid = int(await asyncio.to_thread(pipe.read_text))
        assert _is_alive(pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not _is_alive(pid)


async def test_closing_ends_what_is_being_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with opened(reader=HOSTILE) as documents:
        task = asyncio.create_task(read(documents, "a.txt", f"sleep {pipe}".encode()))
        pid = int(await asyncio.to_thread(pipe.read_text))
    with pytest.raises(InterruptedError):
        await task
    assert not _is_alive(pid)


def test_it_dies_with_the_server(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = (
        "import asyncio\n"
        "from tests.server.documents.reading import *\n"
        "async def main():\n"
        "    async with opened(reader=HOSTILE) as documents:\n"
        f"        await read(documents, 'a.txt', b'sleep {pipe}')\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root) as server:
        pid = int(pipe.read_text())
        assert _is_alive(pid)
        reader = os.pidfd_open(pid)
        try:
            server.kill()
            server.wait()
            # Readable once it has ended.
            assert _wait_readable(reader)
        finally:
            os.close(reader)


async def test_an_empty_file() -> None:
    async with opened() as documents:
        with pytest.raises(InvalidFile, match="empty"):
            await read(documents, "a.txt", b"")


async def test_what_the_bytes_raise_is_raised() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise BlobsUnavailable("away")

    async with opened() as documents:
        with pytest.raises(BlobsUnavailable):
            await documents.text("a.txt", broken())


async def test_text_that_is_as_long_as_may_be() -> None:
    async with opened() as documents:
        assert len(await read(documents, "a.txt", b"x" * MAX_TEXT)) == MAX_TEXT
        with pytest.raises(InvalidFile, match="more than 16 MB of text"):
            await read(documents, "a.txt", b"x" * (MAX_TEXT + 1))


async def test_several_at_once() -> None:
    async with opened(at_once=3) as documents:
        names = [f"text {number}" for number in range(12)]
        found = await asyncio.gather(*(read(documents, "a.md", name.encode()) for name in names))
    assert found == names


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 100)[0])
