"""What a worker waits for, in one place: the model, the clock, the store, and its own background writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from understudy_server.clock import Clock
from understudy_server.models.port import Finished, ModelError, ModelEvent
from understudy_server.store.port import Watch

SHORTEST = 0.1
"""Seconds between ticks at least."""

WATCH_TIMEOUT = 30.0
"""Seconds; wake-ups are hints, and the ticks stand behind them."""


@dataclass(frozen=True, slots=True)
class Tick:
    """It is time to look at what is due: the lease, the run's expiry."""


@dataclass(frozen=True, slots=True)
class Woken:
    """Something in the thread's partition may have changed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A task of this inbox has ended with an error."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class ModelSaid:
    event: ModelEvent


@dataclass(frozen=True, slots=True)
class Returned:
    """A function that this server runs has answered."""

    call_id: str
    output: str


Item: TypeAlias = Tick | Woken | Failed | ModelSaid | Returned


class Inbox:
    """Feeds items of its child tasks to one reader; leaving the context ends the tasks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: list[Item] = []
        self._signal = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def put(self, item: Item) -> None:
        self._items.append(item)
        self._signal.set()

    async def take(self) -> list[Item]:
        """Everything that has come since the last call; at least one item."""
        await self._signal.wait()
        self._signal.clear()
        taken, self._items = self._items, []
        return taken

    def start(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Runs ``work`` as a child; its error, if any, becomes a ``Failed`` item."""

        async def run() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  # the reader decides what each error means
                self.put(Failed(error))

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def pump_model(self, events: AsyncGenerator[ModelEvent, None]) -> None:
        """Ends with ``Finished``; what a provider sends after it is not heard."""
        async with aclosing(events):
            async for event in events:
                self.put(ModelSaid(event))
                if isinstance(event, Finished):
                    return
        raise ModelError("server_error", "The model's answer ended before it was complete.")

    async def pump_ticks(self, pause: Callable[[], float]) -> None:
        """A tick whenever ``pause`` seconds have passed; a thousand idle runs must cost next to nothing."""
        while True:
            await self._clock.sleep(max(pause(), SHORTEST))
            self.put(Tick())

    async def pump_wakes(self, watch: Watch) -> None:
        while True:
            if await watch.wait(WATCH_TIMEOUT):
                self.put(Woken())
