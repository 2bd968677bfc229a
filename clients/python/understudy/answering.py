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
        given = json.loads(arguments or "{}")
        if not isinstance(given, dict):
            raise TypeError("the arguments are not an object")  # for the model, as text
        if inspect.iscoroutinefunction(function):
            found = await function(**given)
        else:
            found = await asyncio.to_thread(function, **given)
            if inspect.isawaitable(found):
                found = await found
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    except Exception as error:  # noqa: BLE001  # the model may do something about it
        return json.dumps({"error": f"{type(error).__name__}: {error}"}, ensure_ascii=False)
