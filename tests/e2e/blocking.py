"""The asynchronous OpenAI client, to be used like the synchronous one.

So each test is written once and runs over both. Whatever is awaitable is awaited, whatever is an
asynchronous iterator or context manager becomes an ordinary one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Self

from tests.background import BackgroundLoop


class Blocking:
    def __init__(self, target: Any, loop: BackgroundLoop) -> None:
        self._target = target
        self._loop = loop
        self._entered: Blocking | None = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return self._wrapped(value)

        def call(*arguments: Any, **named: Any) -> Any:
            return self._settled(value(*arguments, **named))

        return call

    def __iter__(self) -> Iterator[Any]:
        iterator = aiter(self._target)
        end = object()
        try:
            while (item := self._loop.run(anext(iterator, end))) is not end:
                yield item
        finally:
            if hasattr(iterator, "aclose"):
                self._loop.run(iterator.aclose())

    def __enter__(self) -> Self:
        entered: Self = self._wrapped(self._loop.run(self._target.__aenter__()))
        self._entered = entered
        return entered

    def __exit__(self, *error: object) -> None:
        self._loop.run(self._leave(*error))

    async def _leave(self, *error: object) -> None:
        await self._target.__aexit__(*error)
        # A generator that was not read to its end is collected here, and not on another thread.
        self._target = None
        if self._entered is not None:
            self._entered._target = None

    def _settled(self, result: Any) -> Any:
        if inspect.isawaitable(result):
            result = self._loop.run(result)
        return self._wrapped(result)

    def _wrapped(self, value: Any) -> Any:
        asynchronous = hasattr(value, "__aiter__") or hasattr(value, "__aenter__")
        if asynchronous or type(value).__module__.startswith("openai.resources"):
            return Blocking(value, self._loop)
        return value
