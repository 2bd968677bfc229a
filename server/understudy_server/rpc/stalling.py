"""Streams whose other side stands still: they wait for it, and are then cut, so that none is held for ever."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeAlias

from google.protobuf.message import Message
from grpc import aio

from understudy_server.errors import Stalled

READER_PATIENCE = 120.0
"""Seconds for which a stream waits for a reader that reads nothing."""

SENDER_PATIENCE = 360.0
"""Seconds for which a call waits for the next message of its caller. An edge, which gives its clients five minutes,
has to be the first to say so."""

Behaviour: TypeAlias = Callable[[Any, Any], Any]


async def arriving(
    requests: AsyncIterator[Message], patience: float
) -> AsyncGenerator[Message, None]:
    """The messages as they come. Raises ``Stalled``."""
    while True:
        try:
            async with asyncio.timeout(patience):
                request = await anext(requests)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Stalled(
                f"The call was cut, since nothing more of it was sent for {patience:g} seconds."
            ) from None
        yield request


def writing(behaviour: Behaviour, patience: float) -> Behaviour:
    """An async generator, or a coroutine that writes, as a coroutine that writes."""

    async def write_all(request: Any, context: aio.ServicerContext[Any, Any]) -> None:
        result = behaviour(request, context)
        if inspect.isawaitable(result):
            await result
            return
        try:
            async for message in result:
                await _write(context, message, patience)
        finally:
            # A generator left in the middle runs its `finally` now, not when it is collected.
            if (close := getattr(result, "aclose", None)) is not None:
                await close()

    return write_all


async def _write(context: aio.ServicerContext[Any, Any], message: Message, patience: float) -> None:
    """Waits until there is room for the message on its way. Raises ``Stalled``."""
    try:
        async with asyncio.timeout(patience):
            await context.write(message)
    except TimeoutError:
        raise Stalled(
            f"The stream was cut, since nothing of it was read for {patience:g} seconds."
            " It can be resumed, or asked for again."
        ) from None
