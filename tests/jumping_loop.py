"""An event loop for simulations: it owns time, and jumps over every moment in which all tasks sleep.

loop = jumping_loop(clock)     # the FakeClock on which everybody sleeps
value = loop.play(f())         # runs f() to its end

The same tasks and futures as everywhere, without a selector, threads or sockets: a step costs a fraction of what
it costs on a real loop, and two plays of one simulation take the same steps in the same order.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar

from tests.clock import FakeClock

T = TypeVar("T")

STEPS = 60_000
"""Steps after which a simulation is stopped: something in it goes in circles."""


class Restless(Exception):
    """The simulation never came to its end."""


class JumpingLoop(asyncio.AbstractEventLoop):
    """Only what tasks, futures and the primitives of ``asyncio`` ask of a loop; no I/O."""

    def __init__(self, clock: FakeClock, *, steps: int = STEPS) -> None:
        self.clock = clock
        self._left = steps
        self._ready: deque[tuple[Context, Callable[..., object], tuple[object, ...]]] = deque()
        self.failures: list[str] = []
        """What nobody caught: a task's exception that was never retrieved, say."""

    def play(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``. Raises ``Restless`` when it takes too many steps, or waits for ever."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._finish)
        events._set_running_loop(self)
        try:
            task = self.create_task(work)
            while not task.done():
                if not self._ready and not self.clock.wake_next():
                    raise Restless("everybody waits, and nobody will wake anybody")
                self._step()
            result: T = task.result()
        except Restless:
            self._wind_down()
            raise
        finally:
            events._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)
        return result

    def _wind_down(self) -> None:
        """Cancels everybody, as often as it takes within reason, so that no generator is dropped while it runs."""
        self._left = STEPS
        for _ in range(100):
            for task in sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
                task.cancel()
            for _ in range(20):
                self._step()
            if not asyncio.all_tasks(self):
                return

    def _step(self) -> None:
        ready = self._ready
        self._left -= len(ready)
        if self._left < 0:
            raise Restless("too many steps")
        for _ in range(len(ready)):
            context, callback, args = ready.popleft()
            context.run(callback, *args)

    def call_soon(  # type: ignore[override]  # nobody here cancels a handle
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> None:
        self._ready.append((context or copy_context(), callback, args))

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there are no threads

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, **options)

    def time(self) -> float:
        return self.clock.monotonic()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(f"{context['message']}: {context.get('exception')!r}")

    def _finish(self, generator: AsyncGenerator[object, object]) -> None:
        """As every loop does with a generator that somebody dropped half-way."""
        self.create_task(generator.aclose())


def jumping_loop(clock: FakeClock, *, steps: int = STEPS) -> JumpingLoop:
    """One simulation's loop. What is abstract about it is I/O, which a simulation does not do."""
    return JumpingLoop(clock, steps=steps)  # type: ignore[abstract]  # see above
