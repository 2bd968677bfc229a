"""Each document is read in a process of its own, since no parser can be trusted with what users upload.

A process is begun for every document rather than kept: that costs 20 to 150 ms, no more than the vectors of a few
chunks, and whatever a document does to its reader ends with it.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from understudy_server.documents.content import MAX_TEXT, clean, too_much
from understudy_server.documents.kinds import parser_of
from understudy_server.documents.reader import BROKEN, INVALID, TEXT
from understudy_server.errors import InvalidFile

READER = (sys.executable, "-I", "-m", "understudy_server.documents.reader")

_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Without which Python may not start; nothing else of the server's environment, least of all keys."""

_HEADER = 64
"""Bytes of the answer's first line at most."""

_LOOK = 200
"""Milliseconds between looks whether a silent process is still there."""

_AT_ONCE = 256 * 1024

_GIVEN_UP = "nobody waits for this document any more"

CRASHED = "The file is broken: the process that read it crashed."
TOO_SLOW = "The file is too large or broken: reading it takes too long."


class ProcessDocuments:
    """Implements ``Documents``.

    ``memory``: bytes for one process; ``timeout``: seconds of processor time; ``patience``: seconds that go by for
    each of them at most, on a machine that has other things to do.
    """

    def __init__(
        self,
        *,
        memory: int,
        timeout: float,
        patience: float = 4.0,
        at_once: int = 256,
        reader: Sequence[str] = READER,
    ) -> None:
        self._memory = memory
        self._seconds = max(1, round(timeout))
        self._wait = self._seconds * patience + 30
        self._reader = tuple(reader)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="documents")
        self._readings: set[_Reading] = set()

    async def text(self, filename: str, chunks: AsyncIterator[bytes]) -> str:
        parser = parser_of(filename)
        with tempfile.TemporaryFile(buffering=0) as file:
            if not await self._spool(file, chunks):
                raise InvalidFile("The file is empty.")
            command = (
                *self._reader,
                parser,
                str(self._memory),
                str(self._seconds),
                str(os.getpid()),
            )
            return await self._read(_Reading(command, file, self._wait))

    async def close(self) -> None:
        """What is still being read is not read any further."""
        for reading in self._readings:
            reading.give_up()
        await asyncio.to_thread(self._threads.shutdown)

    async def _spool(self, file: BinaryIO, chunks: AsyncIterator[bytes]) -> int:
        """To a file without a name, which is gone when everybody has closed it, killed or not."""
        loop = asyncio.get_running_loop()
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            await loop.run_in_executor(self._threads, _write, file, chunk)
        file.seek(0)
        return size

    async def _read(self, reading: _Reading) -> str:
        loop = asyncio.get_running_loop()
        self._readings.add(reading)
        try:
            future = loop.run_in_executor(self._threads, reading.run)
            try:
                return await asyncio.shield(future)
            finally:
                reading.give_up()
                await asyncio.wait([future])
        finally:
            self._readings.discard(reading)


class _Reading:
    """One process. ``run`` is one thread's from beginning to end, for a process dies with the thread that began it."""

    def __init__(self, command: Sequence[str], file: BinaryIO, seconds: float) -> None:
        self._command = command
        self._file = file
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = False

    def run(self) -> str:
        """Raises as ``Documents.text`` does."""
        with self._lock:
            if self._given_up:
                raise InterruptedError(_GIVEN_UP)
            process = self._process = subprocess.Popen(  # noqa: S603  # our own program
                self._command,
                stdin=self._file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                start_new_session=True,
            )
        assert process.stdout is not None
        try:
            answer = self._answer(process, process.stdout.fileno())
        finally:
            with self._lock:
                _kill(process)
                status = process.wait()
                self._process = None
            process.stdout.close()
        if self._given_up:
            raise InterruptedError(_GIVEN_UP)
        return _judge(answer, status)

    def give_up(self) -> None:
        """From any thread, any number of times."""
        with self._lock:
            self._given_up = True
            if self._process is not None:
                _kill(self._process)

    def _answer(self, process: subprocess.Popen[bytes], output: int) -> bytearray:
        """All of it, or what came before the process ended or had taken too long."""
        poll = select.poll()
        poll.register(output, select.POLLIN)
        end = time.monotonic() + self._seconds
        got = bytearray()
        while not _is_whole(got):
            if time.monotonic() > end:
                raise InvalidFile(TOO_SLOW)
            # Asked first: what it wrote before it ended can then still be read.
            ended = _has_ended(process)
            if poll.poll(0 if ended else _LOOK):
                data = os.read(output, _AT_ONCE)
                got += data
                if not data:
                    break
            elif ended:
                # Something that it began holds its output open.
                break
            if len(got) > MAX_TEXT + _HEADER:
                raise too_much()
        return got


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it began. The process must not have been waited for: its id could be another's by now."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # As macOS answers for one that has ended.
        process.kill()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Without waiting for it."""
    if sys.platform == "darwin":
        return process.poll() is not None
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, look) is not None


def _is_whole(got: bytearray) -> bool:
    head, newline, _ = got[:_HEADER].partition(b"\n")
    size = head.rpartition(b" ")[2]
    return bool(newline) and size.isdigit() and len(got) >= len(head) + 1 + int(size)


def _judge(answer: bytearray, status: int) -> str:
    """``status`` as ``Popen.returncode`` has it. Nothing that the process said is taken for granted."""
    if not _is_whole(answer):
        if status in {-signal.SIGXCPU, -signal.SIGALRM}:
            raise InvalidFile(TOO_SLOW)
        if status == -signal.SIGKILL or status >= 0:
            # An operator, or the kernel for want of memory; or the program could not be loaded.
            raise OSError(f"the process that reads documents ended with {status}")
        raise InvalidFile(CRASHED)
    start = answer.index(b"\n") + 1
    word, _, size = answer[: start - 1].decode("ascii", errors="replace").rpartition(" ")
    # A view, since the text may be large.
    text = clean(str(memoryview(answer)[start : start + int(size)], "utf-8", "replace"))
    if word == TEXT and text.strip():
        return text
    if word == INVALID:
        raise InvalidFile(text[:500] or BROKEN)
    raise InvalidFile(BROKEN)


def _write(file: BinaryIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) :]
