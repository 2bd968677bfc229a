"""Reading one response: its decoded events, or the beginning of a body that is no event stream."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from typing import Final, Self

import httpx2
import orjson

from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.loose import Json
from understudy_server.models.mishaps import MISHAPS, mishap
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.sse import SseSplitter

_DRAIN_SECONDS: Final = 0.2
_DRAIN_BYTES: Final = 64 * 1024
"""Reading more than this costs more than a new connection."""
_FIELDS: Final = (b":", b"data", b"event", b"id", b"retry")
_ENOUGH: Final = 8
"""Bytes that tell how a body begins."""
_EXPLANATION_SECONDS: Final = 5.0
"""The longest wait for the words of a refusal, which somebody else waits for too."""


class EventStream:
    """The decoded events of one response, as they arrive.

    Iterating raises ``UpstreamFailure`` (dropped, stalled, malformed). It ends at ``[DONE]``, which
    sets ``announced``, or where the response ends.
    """

    def __init__(self, response: httpx2.Response, config: ProviderConfig) -> None:
        self._chunks = response.aiter_bytes()
        self._config = config
        self._splitter = SseSplitter()
        self._ready: deque[bytes] = deque()
        self._size = 0
        self._events = 0
        self._first = b""
        self._over = False
        self.announced = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Json:
        while not self._ready:
            if self._over:
                self._check_any()
                raise StopAsyncIteration
            await self._read()
        data = self._ready.popleft()
        self._events += 1
        if data.strip() == b"[DONE]":
            self.announced = self._over = True
            self._ready.clear()
            raise StopAsyncIteration
        try:
            return decoded(data)
        except UpstreamFailure:
            if self._over:  # half an event, because the connection ended within it
                raise UpstreamFailure(kind="dropped") from None
            raise

    async def drain(self) -> None:
        """Read the few bytes behind the last event, so that the connection can be used again."""
        size = 0
        with suppress(TimeoutError, *MISHAPS):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while size < _DRAIN_BYTES:
                    chunk = await anext(self._chunks, None)
                    if chunk is None:
                        return
                    size += len(chunk)

    async def _read(self) -> None:
        try:
            # The transport has a timeout of its own, and forgets it when a body's encoding breaks off.
            async with asyncio.timeout(self._config.stall_timeout):
                chunk = await anext(self._chunks, None)
        except MISHAPS as error:
            raise mishap(error, self._config) from error
        if chunk is None:
            self._over = True
            self._ready.extend(self._splitter.end())
            return
        if len(self._first) < _ENOUGH:
            self._first = (self._first + chunk[:_ENOUGH]).removeprefix(b"\xef\xbb\xbf").lstrip()
        self._size += len(chunk)
        most = self._config.max_answer_bytes
        if self._size > most:
            raise UpstreamFailure(kind="malformed", message=f"it is longer than {most:,} bytes")
        self._ready.extend(self._splitter.feed(chunk))

    def _check_any(self) -> None:
        # One that began as a stream of events was cut off; anything else was never meant as one.
        if self._first and not self._events and not _may_begin(self._first):
            raise UpstreamFailure(kind="malformed", message="there is no event in it")


def _may_begin(first: bytes) -> bool:
    return any(first.startswith(field[: len(first)]) for field in _FIELDS)


def decoded(data: bytes) -> Json:
    """Raises ``UpstreamFailure`` for anything but a JSON object."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailure(kind="malformed", message=f"bad JSON: {error}") from None
    if not isinstance(event, dict):
        raise UpstreamFailure(kind="malformed", message="an event that is not an object")
    return event


async def whole(response: httpx2.Response, config: ProviderConfig) -> bytes:
    """A body that must be whole to mean anything. Raises ``UpstreamFailure``."""
    most = config.max_answer_bytes
    try:
        async with asyncio.timeout(config.stall_timeout):
            body = await _read_up_to(response, most + 1)
    except MISHAPS as error:
        raise mishap(error, config) from error
    if len(body) > most:
        raise UpstreamFailure(kind="malformed", message=f"it is longer than {most:,} bytes")
    return body


async def beginning(response: httpx2.Response, size: int) -> bytes:
    """Up to ``size`` bytes of a body, or what came of it in the time that an explanation gets."""
    body = bytearray()
    with suppress(TimeoutError, *MISHAPS):
        async with asyncio.timeout(_EXPLANATION_SECONDS):
            await _read_up_to(response, size, body)
    return bytes(body[:size])


async def _read_up_to(response: httpx2.Response, size: int, body: bytearray | None = None) -> bytes:
    body = bytearray() if body is None else body
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) >= size:
                break
    return bytes(body)
