"""Metadata that go before the first message of a stream, whatever its handler sends of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from grpc import aio

_Pairs = tuple[tuple[str, str], ...]


def announcing(
    context: aio.ServicerContext[Any, Any], pairs: _Pairs
) -> aio.ServicerContext[Any, Any]:
    """The context, with ``pairs`` in its initial metadata."""
    return cast("aio.ServicerContext[Any, Any]", _Announcing(context, pairs))


class _Announcing:
    """In all else the context that it stands for, which is not made to be subclassed."""

    def __init__(self, context: aio.ServicerContext[Any, Any], pairs: _Pairs) -> None:
        self._context = context
        self._pairs = pairs
        self._sent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def send_initial_metadata(self, given: Iterable[tuple[str, str | bytes]]) -> None:
        self._sent = True
        await self._context.send_initial_metadata((*given, *self._pairs))

    async def write(self, message: Any) -> None:
        if not self._sent:
            await self.send_initial_metadata(())
        await self._context.write(message)
