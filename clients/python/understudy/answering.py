"""Calling a Python function for a model."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., Any] | Callable[..., Awaitable[Any]]


async def answer(function: Function, arguments: str) -> str:
    """The output for the model. Whatever goes wrong is told to it as ``{"error": "..."}``.

    ``arguments``: JSON text as the model wrote it. A plain function runs in a thread; what it gives may be awaitable.
    """
    try:
        return _written(await _called(function, arguments))
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody ends the events: something inside of the function was cancelled.
        return _told(error)
    except Exception as error:  # noqa: BLE001  # the model may do something about it
        return _told(error)


async def _called(function: Function, arguments: str) -> Any:
    given = json.loads(arguments or "{}")
    if not isinstance(given, dict):
        raise TypeError("the arguments are not an object")  # for the model, as text
    if inspect.iscoroutinefunction(function):
        return await function(**given)
    found = await asyncio.to_thread(_plainly, function, given)
    return await found if inspect.isawaitable(found) else found


def _plainly(function: Function, given: dict[str, Any]) -> Any:
    try:
        return function(**given)
    except StopIteration as error:
        # No future takes it: who awaits the thread would wait for ever.
        raise RuntimeError("function raised StopIteration") from error


def _told(error: BaseException) -> str:
    return _written({"error": f"{type(error).__name__}: {error}"})


def _written(found: Any) -> str:
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    # Half of a surrogate pair, which JSON can bring, does not travel.
    return text.encode(errors="replace").decode()
