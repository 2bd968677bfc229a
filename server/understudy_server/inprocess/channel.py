"""The client's end: a channel on which generated stubs work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeAlias

import grpc
from grpc import ChannelConnectivity, aio

from understudy_server.inprocess.calls import (
    Requests,
    StreamStreamCall,
    StreamUnaryCall,
    UnaryStreamCall,
    UnaryUnaryCall,
)
from understudy_server.inprocess.exchange import LOCALLY_CANCELLED, Exchange, Outcome
from understudy_server.inprocess.server import InProcessServer

_Metadata: TypeAlias = Iterable[tuple[str, str | bytes]] | None
_Convert: TypeAlias = Callable[[Any], Any] | None


class InProcessChannel(aio.Channel):
    """A grpc.aio.Channel to a server in the same event loop.

    A message is handed over as it is and must not be touched again by who sent it. With ``copy`` it
    is serialized and parsed on the way, as a wire would do: slower, but it shows who breaks this.
    """

    def __init__(self, server: InProcessServer, *, copy: bool = False) -> None:
        self._server = server
        self._copy = copy
        self._active: set[Exchange] = set()
        self._connectivity = server.connectivity()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Take no new call; give running calls ``grace`` seconds, then cancel them."""
        self._connectivity.become(ChannelConnectivity.SHUTDOWN)
        if grace and self._active:
            endings = [asyncio.ensure_future(exchange.ended()) for exchange in self._active]
            _, late = await asyncio.wait(endings, timeout=grace)
            for ending in late:
                ending.cancel()
        for exchange in list(self._active):
            code = grpc.StatusCode.CANCELLED
            exchange.give_up(Outcome(code=code, details=LOCALLY_CANCELLED, local=True))

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        del try_to_connect
        return self._connectivity.state

    async def wait_for_state_change(self, last_observed_state: ChannelConnectivity) -> None:
        await self._connectivity.leave(last_observed_state)

    async def channel_ready(self) -> None:
        await self._connectivity.reach(ChannelConnectivity.READY)

    def unary_unary(
        self,
        method: str,
        request_serializer: _Convert = None,
        response_deserializer: _Convert = None,
        _registered_method: bool | None = False,
    ) -> aio.UnaryUnaryMultiCallable[Any, Any]:
        return _UnaryUnary(self, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: _Convert = None,
        response_deserializer: _Convert = None,
        _registered_method: bool | None = False,
    ) -> aio.UnaryStreamMultiCallable[Any, Any]:
        return _UnaryStream(self, method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: _Convert = None,
        response_deserializer: _Convert = None,
        _registered_method: bool | None = False,
    ) -> aio.StreamUnaryMultiCallable[Any, Any]:
        return _StreamUnary(self, method, request_serializer, response_deserializer)

    def stream_stream(
        self,
        method: str,
        request_serializer: _Convert = None,
        response_deserializer: _Convert = None,
        _registered_method: bool | None = False,
    ) -> aio.StreamStreamMultiCallable[Any, Any]:
        return _StreamStream(self, method, request_serializer, response_deserializer)

    def begin(
        self, method: str, metadata: _Metadata, timeout: float | None, request: Any
    ) -> Exchange:
        """Start a call; ``request`` is already as it travels, None when requests stream."""
        if self._connectivity.state is ChannelConnectivity.SHUTDOWN:
            raise aio.UsageError("Channel is closed.")
        exchange = Exchange(
            method=method, metadata=metadata or (), timeout=timeout, copying=self._copy
        )
        self._active.add(exchange)
        exchange.on_done(lambda: self._active.discard(exchange))
        self._server.accept(exchange, request)
        return exchange

    @property
    def copying(self) -> bool:
        return self._copy


class _Method:
    """One method of one channel, ready to be called."""

    def __init__(
        self, channel: InProcessChannel, method: str, encode: _Convert, decode: _Convert
    ) -> None:
        self._channel = channel
        self._method = method
        self._encode = encode if encode and channel.copying else _same
        self._decode = decode if decode and channel.copying else _same


class _UnaryUnary(_Method, aio.UnaryUnaryMultiCallable[Any, Any]):
    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: _Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> UnaryUnaryCall:
        del credentials, wait_for_ready, compression
        exchange = self._channel.begin(self._method, metadata, timeout, self._encode(request))
        return UnaryUnaryCall(exchange, encode=self._encode, decode=self._decode)


class _UnaryStream(_Method, aio.UnaryStreamMultiCallable[Any, Any]):
    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: _Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> UnaryStreamCall:
        del credentials, wait_for_ready, compression
        exchange = self._channel.begin(self._method, metadata, timeout, self._encode(request))
        return UnaryStreamCall(exchange, encode=self._encode, decode=self._decode)


class _StreamUnary(_Method, aio.StreamUnaryMultiCallable[Any, Any]):
    def __call__(
        self,
        request_iterator: Requests | None = None,
        timeout: float | None = None,
        metadata: _Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> StreamUnaryCall:
        del credentials, wait_for_ready, compression
        exchange = self._channel.begin(self._method, metadata, timeout, None)
        call = StreamUnaryCall(exchange, encode=self._encode, decode=self._decode)
        call.begin(request_iterator)
        return call


class _StreamStream(_Method, aio.StreamStreamMultiCallable[Any, Any]):
    def __call__(
        self,
        request_iterator: Requests | None = None,
        timeout: float | None = None,
        metadata: _Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> StreamStreamCall:
        del credentials, wait_for_ready, compression
        exchange = self._channel.begin(self._method, metadata, timeout, None)
        call = StreamStreamCall(exchange, encode=self._encode, decode=self._decode)
        call.begin(request_iterator)
        return call


def _same(message: Any) -> Any:
    return message
