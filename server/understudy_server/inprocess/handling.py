"""Running the handler of one call."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import grpc
from grpc import aio

from understudy_server.inprocess.context import Converter, InProcessContext
from understudy_server.inprocess.exchange import Exchange, Outcome

_LOG = logging.getLogger(__name__)


async def run_handler(
    handler: grpc.RpcMethodHandler[Any, Any], exchange: Exchange, request: Any
) -> None:
    """Run a method handler to its end and give its responses and outcome to the exchange.

    ``request`` is the message as the client sent it, or None when requests stream. Of what a
    handler can raise, only a cancellation comes out.
    """
    decode, encode = _converters(handler, exchange)
    context = InProcessContext(exchange, decode=decode, encode=encode)
    try:
        argument = _requests(context) if handler.request_streaming else decode(request)
        result = _behaviour(handler)(argument, context)
        if handler.response_streaming:
            await _stream(result, context)
        else:
            response = await _awaitable(result)
            context.raise_for_abort()
            if context.outcome().code is grpc.StatusCode.OK:
                exchange.response = encode(response)
    except aio.AbortError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
        _LOG.exception("%s raised %s", exchange.method, type(error).__name__)
        failed = context.outcome(default=grpc.StatusCode.UNKNOWN)
        details = f"Unexpected {type(error)}: {error}"
        exchange.finish(Outcome(code=failed.code, details=details, trailing=failed.trailing))
    else:
        exchange.finish(context.outcome())


async def _stream(result: Any, context: InProcessContext) -> None:
    if hasattr(result, "__aiter__"):
        try:
            async for message in result:
                await context.write(message)
        finally:
            # A generator left in the middle runs its `finally` now, not when it is collected.
            if (close := getattr(result, "aclose", None)) is not None:
                await close()
    else:
        await _awaitable(result)
    context.raise_for_abort()


def _awaitable(result: Any) -> Awaitable[Any]:
    if inspect.isawaitable(result):
        return result
    raise TypeError(f"in-process calls need async handlers, which do not return {result!r}")


async def _requests(context: InProcessContext) -> AsyncIterator[Any]:
    while (message := await context.read()) is not aio.EOF:
        yield message


def _behaviour(handler: grpc.RpcMethodHandler[Any, Any]) -> Callable[[Any, Any], Any]:
    if handler.request_streaming:
        found = handler.stream_stream if handler.response_streaming else handler.stream_unary
    else:
        found = handler.unary_stream if handler.response_streaming else handler.unary_unary
    # One of the four is set, says the interface; which one depends on the two flags.
    return cast("Callable[[Any, Any], Any]", found)


def _converters(
    handler: grpc.RpcMethodHandler[Any, Any], exchange: Exchange
) -> tuple[Converter, Converter]:
    if not exchange.copying:
        return _same, _same
    return handler.request_deserializer or _same, handler.response_serializer or _same


def _same(message: Any) -> Any:
    return message
