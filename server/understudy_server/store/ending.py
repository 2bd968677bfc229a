"""Ending tasks that use other people's clients."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN = 0.2
"""Seconds after which a task that goes on is cancelled again."""


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel the tasks until they are over.

    Once is not enough: clients of servers lose a cancellation that comes together with an error of their own, and
    the task goes on.
    """
    going_on = {task for task in tasks if task is not None}
    while going_on:
        for task in going_on:
            task.cancel()
        _, going_on = await asyncio.wait(going_on, timeout=AGAIN)
