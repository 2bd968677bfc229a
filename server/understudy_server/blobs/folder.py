"""Blobs in a folder of this machine, or of a file system that machines share.

A blob is written under another name, flushed to the disk and renamed: whoever is killed leaves the blob or nothing.
What was begun and never ended is removed with its key, or a day later when somebody opens the folder. All of it is
for the owner of the process alone.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from understudy_server.blobs.keys import check_key
from understudy_server.blobs.port import CHUNK
from understudy_server.errors import BlobMissing, BlobsUnavailable

P = ParamSpec("P")
T = TypeVar("T")

_BEGUN = ".begun"
"""The folder of what is not whole yet; no key can mean it."""

_OLD = 24 * 3600
"""Seconds without a write after which nobody goes on with what was begun."""

_THREADS = 8


class FolderBlobs:
    """Implements ``Blobs``."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).expanduser().absolute()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")

    @classmethod
    async def open(cls, root: str | Path) -> Self:
        """Makes the folder if it is not there; ``~`` is the user's own. Raises ``BlobsUnavailable``."""
        blobs = cls(root)
        try:
            await blobs._run(blobs._prepare)
        except BaseException:
            await blobs.close()
            raise
        return blobs

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        check_key(key)
        target = self._root / key
        begun = self._begun / f"{key.replace('/', '.')}.{secrets.token_hex(8)}"
        try:
            descriptor = await self._opened(_create, begun)
            try:
                size = await self._fill(descriptor, chunks)
            finally:
                await self._run(os.close, descriptor)
        except BaseException:
            await self._run(_remove, begun)
            raise
        try:
            await self._run(self._show, begun, target)
        except BaseException:
            # The cancellation may have come when it had its name already.
            await self._run(_remove, begun, target)
            raise
        return size

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        check_key(key)
        descriptor = await self._opened(_open, self._root / key)
        try:
            left = length
            while left is None or left > 0:
                wanted = CHUNK if left is None else min(CHUNK, left)
                chunk = await self._run(os.pread, descriptor, wanted, start)
                if not chunk:
                    return
                start += len(chunk)
                left = None if left is None else left - len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._run(self._delete, key)

    async def ping(self) -> None:
        await self._run(self._probe)

    async def close(self) -> None:
        self._threads.shutdown(wait=False)

    async def _fill(self, descriptor: int, chunks: AsyncIterator[bytes]) -> int:
        size = 0
        waiting = bytearray()
        async for chunk in chunks:
            waiting += chunk
            if len(waiting) >= CHUNK:
                size += await self._run(_write, descriptor, bytes(waiting))
                waiting.clear()
        size += await self._run(_write, descriptor, bytes(waiting))
        await self._run(os.fsync, descriptor)
        return size

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In a thread, to its end: a cancelled caller must not take a file from under a thread's hands."""

        def named() -> T:
            with _named_errors():
                return work(*args, **kwargs)

        future = asyncio.get_running_loop().run_in_executor(self._threads, named)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            if not future.cancelled():
                future.exception()
            raise

    async def _opened(self, work: Callable[[Path], int], path: Path) -> int:
        """A descriptor, which is closed again when its caller is cancelled meanwhile."""
        opened: list[int] = []
        try:
            await self._run(lambda: opened.append(work(path)))
        except asyncio.CancelledError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return opened[0]

    @property
    def _begun(self) -> Path:
        return self._root / _BEGUN

    def _prepare(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._begun.mkdir(mode=0o700, exist_ok=True)
        _sync(self._root)
        now = self._probe()
        for entry in os.scandir(self._begun):
            with suppress(FileNotFoundError):
                if now - entry.stat(follow_symlinks=False).st_mtime > _OLD:
                    os.unlink(entry.path)  # noqa: PTH108 - what scandir gives is no Path

    def _probe(self) -> float:
        """The time of the file system, which may be another machine's."""
        path = self._begun / f"probe.{secrets.token_hex(8)}"
        descriptor = _create(path)
        try:
            _write(descriptor, b"?")
            return os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
            path.unlink()

    def _show(self, begun: Path, target: Path) -> None:
        folder = target.parent
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync(self._root)
        begun.replace(target)
        _sync(folder)

    def _delete(self, key: str) -> None:
        """With what was begun of it, by whoever: its owner says that there will be no such blob."""
        path = self._root / key
        prefix = f"{key.replace('/', '.')}."
        for entry in os.scandir(self._begun):
            if entry.name.startswith(prefix):
                _remove(Path(entry.path))
        with suppress(FileNotFoundError):
            path.unlink()
            _sync(path.parent)


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobsUnavailable(f"{type(error).__name__}: {error.strerror}") from error


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise BlobMissing(f"no blob {path.parent.name}/{path.name}") from None


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _write(descriptor: int, content: bytes) -> int:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(content)


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """A name is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
