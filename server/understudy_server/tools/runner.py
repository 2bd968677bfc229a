"""Runs one call: on the event loop or on a thread, not longer than it may."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from understudy_server.clock import Clock
from understudy_server.tools.threads import Threads


@dataclass(frozen=True, slots=True)
class Returned:
    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    error: BaseException


@dataclass(frozen=True, slots=True)
class TimedOut:
    pass


class Runner:
    """``threads``: how many functions that are not async run at a time."""

    def __init__(self, *, clock: Clock, threads: int) -> None:
        self._clock = clock
        self._threads: Threads[Returned | Raised] = Threads(threads)
        self._left: set[asyncio.Task[Returned | Raised]] = set()
        """Tasks that were told to end and may take their time; a task needs somebody who holds it."""

    async def run(
        self, work: Callable[[], Any], *, is_async: bool, seconds: float
    ) -> Returned | Raised | TimedOut:
        """What became of ``work``, whatever it was. Waiting for a thread counts as its time.

        Cancelling the caller, and the end of the time, cancel an async function; one on a thread goes
        on, and its result is dropped.
        """
        started = _on_loop(work) if is_async else self._threads.run(lambda: _on_thread(work))
        task = asyncio.create_task(started)
        timer = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                return TimedOut()
            if task.cancelled():
                return Raised(asyncio.CancelledError("it was cancelled from within"))
            if (error := task.exception()) is not None:
                return Raised(error)
            return task.result()
        finally:
            timer.cancel()
            if not task.done():
                # Not waited for: code that ignores a cancel must not hold up the run.
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._left.discard)


async def _on_loop(work: Callable[[], Any]) -> Returned | Raised:
    try:
        return Returned(await work())
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # it is told to the model
        # SystemExit or KeyboardInterrupt in a task would end the whole server.
        return Raised(error)


def _on_thread(work: Callable[[], Any]) -> Returned | Raised:
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001  # it is told to the model
        # Whatever passes here ends the thread without a word, and the call waits for its whole time.
        return Raised(error)
    if inspect.iscoroutine(value):
        value.close()
        return Raised(TypeError("it returned a coroutine; make it 'async def'"))
    return Returned(value)
