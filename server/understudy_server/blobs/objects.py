"""Blobs in an object store: Amazon S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

A blob is one object. A small one is one request; a large one is sent in parts, and shown by the request that completes
them. It is read in ranges, so that a slow reader holds no request open. Keys, regions and endpoints come from the
environment, as ``obstore`` knows them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from understudy_server.blobs.keys import check_key
from understudy_server.blobs.port import CHUNK
from understudy_server.errors import BlobMissing, BlobsUnavailable

if TYPE_CHECKING:
    from obstore.store import RetryConfig

PART = 5 * 1024 * 1024
"""Bytes of one part: the least that S3 takes."""

AT_ONCE = 3
"""Parts of one blob that are under way."""

RANGE = 4 * 1024 * 1024
"""Bytes of one request of a reader."""

ABORT = 30.0
"""Seconds that a writer who was stopped waits until its parts are removed."""

_RETRIES: RetryConfig = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}

_LONGEST_TEXT = 300

_NO_BUCKET = "NoSuchBucket"
"""How S3 says it; to obstore it is the same as an object that is not there."""


class WrongPlace(ValueError):
    """A mistake in the URL or in the environment."""


class ObjectBlobs:
    """Implements ``Blobs``."""

    def __init__(self, store: S3Store | GCSStore | AzureStore) -> None:
        self._store = store

    @classmethod
    async def open(cls, place: str) -> Self:
        """``place``: such as ``s3://bucket/prefix``. Raises ``WrongPlace``, ``BlobsUnavailable``."""
        blobs = cls(_store(place))
        await blobs.ping()
        return blobs

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        check_key(key)
        head = bytearray()
        async for chunk in chunks:
            head += chunk
            if len(head) >= PART:
                return await self._write_parts(key, bytes(head), chunks)
        sending = asyncio.create_task(self._put(key, bytes(head)))
        try:
            await asyncio.shield(sending)
        except BaseException:
            await self._undo(key, sending)
            raise
        return len(head)

    async def _write_parts(self, key: str, head: bytes, chunks: AsyncIterator[bytes]) -> int:
        feed = _Feed()
        pump = asyncio.create_task(feed.fill(head, chunks))
        sending = asyncio.create_task(self._send(key, feed))
        try:
            await asyncio.wait({pump, sending}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
            await asyncio.shield(sending)
        except BaseException:
            pump.cancel()
            # Told to stop, the store removes the parts; cancelled, it would leave them there, unseen.
            feed.stop()
            await self._undo(key, sending)
            raise
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        return feed.size

    async def _undo(self, key: str, sending: asyncio.Task[None]) -> None:
        """Waits for the end of what is being sent, though not for ever; if it came there, it goes again."""
        await asyncio.wait({sending}, timeout=ABORT)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        if not sending.cancelled() and sending.exception() is None:
            await self.delete(key)

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        check_key(key)
        end = None if length is None else start + length
        size = None
        while True:
            upto = start + RANGE if end is None else min(start + RANGE, end)
            if size is None and upto <= start:
                await self._size(key)
            if upto <= start or (size is not None and start >= size):
                return
            found = await self._range(key, start, upto)
            if found is None:
                return
            size, content = found
            for at in range(0, len(content), CHUNK):
                yield bytes(content[at : at + CHUNK])
            start += len(content)

    async def delete(self, key: str) -> None:
        check_key(key)
        with _named_errors(key), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def ping(self) -> None:
        key = f"probe/{secrets.token_hex(8)}"
        with _named_errors(key):
            try:
                await obstore.put_async(self._store, key, b"?")
                await obstore.delete_async(self._store, key)
            except FileNotFoundError as error:
                raise BlobsUnavailable(_text(error)) from error

    async def close(self) -> None:
        return

    async def _put(self, key: str, content: bytes) -> None:
        with _named_errors(key):
            await obstore.put_async(self._store, key, content, use_multipart=False)

    async def _send(self, key: str, feed: _Feed) -> None:
        with _named_errors(key):
            await obstore.put_async(
                self._store,
                key,
                feed.pieces(),
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=AT_ONCE,
            )

    async def _range(self, key: str, start: int, end: int) -> tuple[int, memoryview] | None:
        """The size of the whole, and that range of it; None for a range behind its end."""
        with _named_errors(key):
            try:
                found = await obstore.get_async(self._store, key, options={"range": (start, end)})
                return found.meta["size"], memoryview(await found.bytes_async())
            except BaseError as error:
                # How a store answers a range behind the end differs; that it was one, the size tells.
                if isinstance(error, FileNotFoundError) or await self._size(key) > start:
                    raise
                return None

    async def _size(self, key: str) -> int:
        with _named_errors(key):
            size: int = (await obstore.head_async(self._store, key))["size"]
            return size


class _Feed:
    """Between who gives the bytes and who sends them: a few pieces, and a way to stop."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(2)
        self._stopped = False
        self.size = 0

    async def fill(self, head: bytes, chunks: AsyncIterator[bytes]) -> None:
        self.size = len(head)
        await self._waiting.put(head)
        async for chunk in chunks:
            if chunk:
                self.size += len(chunk)
                await self._waiting.put(chunk)
        await self._waiting.put(b"")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        while not self._stopped and (piece := await self._waiting.get()):
            yield piece
        if self._stopped:
            raise _StoppedError

    def stop(self) -> None:
        self._stopped = True
        if not self._waiting.full():
            self._waiting.put_nowait(b"")


class _StoppedError(Exception):
    """Said to the sender only."""


@contextmanager
def _named_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if _NO_BUCKET in str(error):
            raise BlobsUnavailable(_text(error)) from error
        raise BlobMissing(f"no blob {key}") from error
    except (BaseError, OSError) as error:
        raise BlobsUnavailable(_text(error)) from error


def _text(error: Exception) -> str:
    if _NO_BUCKET in str(error):
        return "there is no such bucket"
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:_LONGEST_TEXT]}"


def _store(place: str) -> S3Store | GCSStore | AzureStore:
    scheme, _, rest = place.partition("://")
    bucket, _, path = rest.partition("/")
    if not bucket or "?" in place or "@" in bucket:
        raise WrongPlace(
            f"Files cannot be kept in '{scheme}://{rest.rpartition('@')[2]}': "
            f"expected {scheme}://BUCKET or {scheme}://BUCKET/PREFIX; keys belong into the environment"
        )
    prefix = path.strip("/") or None
    try:
        match scheme:
            case "s3":
                return S3Store(bucket, prefix=prefix, retry_config=_RETRIES)
            case "gs":
                return GCSStore(bucket, prefix=prefix, retry_config=_RETRIES)
            case _:
                return AzureStore(bucket, prefix=prefix, retry_config=_RETRIES)
    except (BaseError, ValueError) as error:
        raise WrongPlace(f"Files cannot be kept in {place}: {_text(error)}") from error
