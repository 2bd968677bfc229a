"""Workers that start, serve and end as a test says."""

from __future__ import annotations

import asyncio
from itertools import count

from understudy_cli.workers.process import Ready, WorkerFailed


class FakeWorker:
    """Implements ``Worker``. Ends with status 0 when it is told to, unless ``end`` came first."""

    def __init__(self, number: int, grpc: str, pid: int) -> None:
        self.number = number
        self.grpc = grpc
        self.pid = pid
        self.stopped = False
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def serve(self, *, first_key: str | None = None, grpc: str = "") -> None:
        lines = [("store", "sqlite:///a.db")]
        self._ready.set_result(Ready(grpc=grpc or self.grpc, first_key=first_key, lines=lines))

    def end(self, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result(status)
        if not self._ready.done():
            self._ready.set_exception(WorkerFailed(self.number, status))

    async def ready(self) -> Ready:
        return await asyncio.shield(self._ready)

    async def ended(self) -> int:
        return await asyncio.shield(self._ended)

    def stop(self) -> None:
        self.stopped = True
        self.end(0)


class Nursery:
    """Starts them. ``started`` has all, in order."""

    def __init__(self, *, serving: bool = True, broken: int = 0) -> None:
        """``serving``: whether they serve at once; ``broken``: how many starts fail after the first two."""
        self.started: list[FakeWorker] = []
        self.serving = serving
        self.broken = broken
        self._pids = count(1)

    async def spawn(self, number: int, grpc: str) -> FakeWorker:
        if self.broken and len(self.started) >= 2:
            self.broken -= 1
            raise OSError("no more processes")
        worker = FakeWorker(number, grpc, next(self._pids))
        self.started.append(worker)
        if self.serving:
            worker.serve()
        return worker

    def numbers(self) -> list[int]:
        return [worker.number for worker in self.started]
