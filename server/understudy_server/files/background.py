"""Work on due records that takes longer than the worker may wait: a few at a time, each in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import structlog

from understudy_server.clock import Clock
from understudy_server.errors import BlobsUnavailable, Conflict, StoreError
from understudy_server.store.port import Partition, Record

AT_ONCE = 8

REST = 30.0
"""Seconds until a record is tried again whose work failed."""

Work: TypeAlias = Callable[[Record], Awaitable[None]]
"""Does what a due record asks for. Raises ``Conflict`` when another core was quicker."""

_Name: TypeAlias = tuple[Partition, str, str]


class Background:
    """``attend`` is the worker's attendant for the kinds of ``work``; ``close`` ends what is being done."""

    def __init__(self, clock: Clock, work: Mapping[str, Work], *, component: str = "files") -> None:
        """``component``: whose work it is, for the logs."""
        self._clock = clock
        self._work = work
        self._tasks: dict[_Name, asyncio.Task[None]] = {}
        self._resting: dict[_Name, float] = {}
        self._log = structlog.get_logger().bind(component=component)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._work)

    async def attend(self, record: Record) -> bool:
        name = (record.partition, record.kind, record.id)
        now = self._clock.monotonic()
        self._resting = {key: end for key, end in self._resting.items() if end > now}
        if name in self._tasks or name in self._resting or len(self._tasks) >= AT_ONCE:
            return False
        task = asyncio.create_task(self._do(name, record))
        self._tasks[name] = task
        return True

    async def idle(self) -> None:
        """Returns when nothing is being done any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, name: _Name, record: Record) -> None:
        try:
            await self._work[record.kind](record)
        except Conflict:
            pass
        except Exception as error:  # noqa: BLE001 - one record must not end the work on the others
            self._resting[name] = self._clock.monotonic() + REST
            if isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            if isinstance(error, StoreError | BlobsUnavailable):
                self._log.warning("due_work_failed", kind=record.kind, error=str(error))
            else:
                self._log.exception("due_work_crashed", kind=record.kind, id=record.id)
        finally:
            del self._tasks[name]
