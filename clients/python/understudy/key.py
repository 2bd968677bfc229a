"""Interceptors that show the API key with every call, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grpc import aio


def with_key(key: str) -> list[aio.ClientInterceptor]:
    """For ``grpc.aio``'s channels: one interceptor for each kind of call."""
    shown = ("authorization", f"Bearer {key}")
    return [_UnaryUnary(shown), _UnaryStream(shown), _StreamUnary(shown), _StreamStream(shown)]


class _Interceptor:
    def __init__(self, shown: tuple[str, str]) -> None:
        self._shown = shown

    async def _call(
        self, continuation: Callable[[Any, Any], Any], details: Any, request: Any
    ) -> Any:
        given = tuple(details.metadata or ())
        if any(name == self._shown[0] for name, _ in given):
            return await continuation(details, request)
        metadata = aio.Metadata(*given, self._shown)
        return await continuation(details._replace(metadata=metadata), request)


class _UnaryUnary(_Interceptor, aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request)


class _UnaryStream(_Interceptor, aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request)


class _StreamUnary(_Interceptor, aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request_iterator)


class _StreamStream(_Interceptor, aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Any, client_call_details: Any, request_iterator: Any
    ) -> Any:
        return await self._call(continuation, client_call_details, request_iterator)
