"""The client's end of the four kinds of calls."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from functools import partial
from typing import Any, TypeAlias

import grpc
from grpc import aio

from understudy_server.inprocess.context import Converter
from understudy_server.inprocess.exchange import LOCALLY_CANCELLED, Exchange, Outcome

_COLLECTED = "Cancelled upon garbage collection!"
_MIXED = "The iterator and read/write APIs may not be mixed on a single RPC."

Requests: TypeAlias = AsyncIterable[Any] | Iterable[Any]


class _Style(enum.Enum):
    ITERATOR = enum.auto()
    READER_WRITER = enum.auto()


class _Call(aio.Call):
    """What all four have in common."""

    def __init__(self, exchange: Exchange, *, encode: Converter, decode: Converter) -> None:
        self._exchange = exchange
        self._encode = encode
        self._decode = decode

    def cancelled(self) -> bool:
        outcome = self._exchange.outcome
        return outcome is not None and outcome.code is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._exchange.done

    def time_remaining(self) -> float | None:
        return self._exchange.time_remaining()

    def cancel(self) -> bool:
        return self._give_up(LOCALLY_CANCELLED)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._exchange.on_done(partial(callback, self))

    async def initial_metadata(self) -> aio.Metadata:
        return await self._exchange.initial_metadata()

    async def trailing_metadata(self) -> aio.Metadata:
        return aio.Metadata.from_tuple((await self._exchange.ended()).trailing)

    async def code(self) -> grpc.StatusCode:
        return (await self._exchange.ended()).code

    async def details(self) -> str:
        return (await self._exchange.ended()).details

    async def debug_error_string(self) -> str:
        return ""

    async def wait_for_connection(self) -> None:
        await self._exchange.initial_metadata()
        if self.done():
            await self._raise_for_outcome()

    def _give_up(self, details: str) -> bool:
        if self.done():
            return False
        code = grpc.StatusCode.CANCELLED
        self._exchange.give_up(Outcome(code=code, details=details, local=True))
        return True

    async def _raise_for_outcome(self) -> None:
        outcome = await self._exchange.ended()
        if outcome.local:
            raise asyncio.CancelledError
        if outcome.code is not grpc.StatusCode.OK:
            raise aio.AioRpcError(
                outcome.code,
                aio.Metadata.from_tuple(self._exchange.initial),
                aio.Metadata.from_tuple(outcome.trailing),
                details=outcome.details,
                debug_error_string="",
            )


class _OneResponse(_Call):
    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    async def wait_for_connection(self) -> None:
        await self._exchange.ended()
        await self._raise_for_outcome()

    async def _response(self) -> Any:
        try:
            await self._exchange.ended()
        except asyncio.CancelledError:
            self.cancel()
            raise
        await self._raise_for_outcome()
        return self._decode(self._exchange.response)


class _ManyResponses(_Call):
    _reading: _Style | None = None

    def __del__(self) -> None:
        # Nobody can read on, so the handler need not go on.
        self._give_up(_COLLECTED)

    def __aiter__(self) -> AsyncIterator[Any]:
        # Not a generator: that would hold the call, and an abandoned call would live on.
        self._use(_Style.ITERATOR)
        return self

    async def __anext__(self) -> Any:
        message = await self._receive()
        if message is aio.EOF:
            raise StopAsyncIteration
        return message

    async def read(self) -> Any:
        if self.done():
            await self._raise_for_outcome()
            return aio.EOF
        self._use(_Style.READER_WRITER)
        return await self._receive()

    async def _receive(self) -> Any:
        try:
            message = await self._exchange.receive()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if message is not aio.EOF:
            return self._decode(message)
        await self._raise_for_outcome()
        return aio.EOF

    def _use(self, style: _Style) -> None:
        if self._reading not in (None, style):
            raise aio.UsageError(_MIXED)
        self._reading = style


class _ManyRequests(_Call):
    _poller: asyncio.Task[None] | None = None
    _half_closed = False

    def begin(self, requests: Requests | None) -> None:
        """Send what ``requests`` yields; None: the caller writes."""
        if requests is not None:
            self._poller = asyncio.get_running_loop().create_task(self._consume(requests))
            self._exchange.on_done(partial(_cancel, self._poller))

    async def write(self, request: Any) -> None:
        self._writer_only()
        await self._write(request)

    async def done_writing(self) -> None:
        self._writer_only()
        self._close_requests()

    def _writer_only(self) -> None:
        if self._poller is not None:
            raise aio.UsageError(_MIXED)

    async def _write(self, request: Any) -> None:
        if self.done():
            raise asyncio.InvalidStateError("RPC already finished.")
        if self._half_closed:
            raise asyncio.InvalidStateError('RPC is half closed after calling "done_writing".')
        try:
            await self._exchange.requests.put(self._encode(request))
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _close_requests(self) -> None:
        self._half_closed = True
        self._exchange.requests.close()

    async def _consume(self, requests: Requests) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for request in requests:
                    await self._write(request)
            else:
                for request in requests:
                    await self._write(request)
        except Exception:  # noqa: BLE001 - as grpc.aio: an iterator that fails cancels its call
            self.cancel()
        else:
            self._close_requests()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


class UnaryUnaryCall(_OneResponse, aio.UnaryUnaryCall[Any, Any]):
    """One request, one response."""


class UnaryStreamCall(_ManyResponses, aio.UnaryStreamCall[Any, Any]):
    """One request, a stream of responses."""


class StreamUnaryCall(_ManyRequests, _OneResponse, aio.StreamUnaryCall[Any, Any]):
    """A stream of requests, one response."""


class StreamStreamCall(_ManyRequests, _ManyResponses, aio.StreamStreamCall[Any, Any]):
    """Streams in both directions."""
