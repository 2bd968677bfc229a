"""An event loop over real sockets whose time stands still while anything moves, then leaps to the next timer.

A provider that is silent for a minute costs a test nothing, and no timer fires because a machine is slow. Both ends of
each connection must live in this loop: it asks the system (Linux) what is on its way between them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from tests.models.hostile.sockets import on_their_way

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

GLANCE = 0.001
"""Real seconds between two looks at what is on its way."""
LOOKS = 10_000
"""What takes more of them is not on its way: it waits behind something that nobody reads."""


class _Selector(selectors.BaseSelector):
    """Forwards to the system's own."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self._known: set[int] = set()
        self.leapt = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._inner.select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        for _ in range(LOOKS):
            if not on_their_way(self._known):
                break
            if events := self._inner.select(GLANCE):
                return events
        # What was on its way at the last look has arrived by now.
        events = self._inner.select(0 if timeout is not None else None)
        if not events and timeout is not None:
            self.leapt += timeout
        return events

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._inner.register(fileobj, events, data)
        self._known.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        # Still known: a connection that nobody reads right now is open all the same.
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        # The time that passes by itself is no part of it.
        self._leaping = _Selector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        # At once: time would leap over what a thread does.
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is passed on
            done.set_exception(error)
        return done
