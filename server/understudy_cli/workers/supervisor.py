"""Keeps the workers alive: starts them, starts again those that end, and ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog

from understudy_cli.workers.plan import Restarts
from understudy_cli.workers.process import Ready, Worker, WorkerFailed
from understudy_server.clock import Clock

Spawn: TypeAlias = Callable[[int, str], Awaitable[Worker]]
"""Starts the worker of that number, which is to serve gRPC at that address. May raise ``OSError``."""


class Supervisor:
    """``start``, then ``stop``, also when ``start`` failed or was cancelled."""

    def __init__(
        self,
        spawn: Spawn,
        addresses: Sequence[str],
        clock: Clock,
        *,
        made_key: Callable[[str], None],
    ) -> None:
        """``addresses``: where each worker is to serve gRPC; there are as many workers.

        ``made_key`` is given a key that a worker made after the start, in a store that was emptied under it.
        """
        self._spawn = spawn
        self._clock = clock
        self._made_key = made_key
        self._posts = [_Post(number, each) for number, each in enumerate(addresses, start=1)]
        self._log = structlog.get_logger()

    async def start(self) -> Sequence[Ready]:
        """Return when all of them serve. Raises ``WorkerFailed`` and ``OSError``: one could not."""
        first, *others = self._posts
        # Alone at first: it makes the store, and the first key.
        told = [await self._begin(first)]
        beginning = [asyncio.create_task(self._begin(post)) for post in others]
        try:
            return [*told, *await asyncio.gather(*beginning)]
        finally:
            for task in beginning:
                task.cancel()
            await asyncio.gather(*beginning, return_exceptions=True)

    async def restart(self) -> None:
        """One after the other, each when the one before it serves again."""
        for post in self._posts:
            post.serves.clear()
            if post.worker is not None:
                post.worker.stop()
            await post.serves.wait()

    async def stop(self) -> Sequence[int]:
        """Return when all have ended; the exit status of each."""
        keepers = [post.keeper for post in self._posts if post.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        workers = [post.worker for post in self._posts if post.worker is not None]
        for worker in workers:
            worker.stop()
        self._log.info("workers_stop")
        return await asyncio.gather(*(worker.ended() for worker in workers))

    async def _begin(self, post: _Post) -> Ready:
        since = self._clock.monotonic()
        post.worker = await self._spawn(post.number, post.address)
        ready = await post.worker.ready()
        self._serves(post, ready)
        post.keeper = asyncio.create_task(self._keep(post, post.worker, since))
        return ready

    async def _keep(self, post: _Post, worker: Worker, since: float) -> None:
        restarts = Restarts()
        while True:
            status = await worker.ended()
            post.worker = None
            post.serves.clear()
            worker, since = await self._replace(post, restarts, status, since)

    async def _replace(
        self, post: _Post, restarts: Restarts, status: int, since: float
    ) -> tuple[Worker, float]:
        """The one that serves in its place, and when it was started."""
        while True:
            pause = restarts.pause_after(status, lived=self._clock.monotonic() - since)
            self._log.log(
                _WARNING if status else _INFO,
                "worker_ended",
                worker=post.number,
                status=status,
                again_in=pause,
            )
            await self._clock.sleep(pause)
            since = self._clock.monotonic()
            try:
                post.worker = await self._spawn(post.number, post.address)
                ready = await post.worker.ready()
            except WorkerFailed as error:
                post.worker = None
                # Nobody has asked it to end, whatever it says.
                status = error.status or 1
            except OSError as error:
                self._log.warning("worker_not_started", worker=post.number, reason=str(error))
                status = 1
            else:
                if ready.first_key is not None:
                    self._made_key(ready.first_key)
                self._serves(post, ready)
                return post.worker, since

    def _serves(self, post: _Post, ready: Ready) -> None:
        # A free port is the worker's for good: edges have been told.
        post.address = ready.grpc
        post.serves.set()
        assert post.worker is not None
        self._log.info("worker_serves", worker=post.number, pid=post.worker.pid, grpc=ready.grpc)


class _Post:
    """The place of one worker, which several may hold one after the other."""

    def __init__(self, number: int, address: str) -> None:
        self.number = number
        self.address = address
        self.worker: Worker | None = None
        """None: it ended, and no other is there yet."""
        self.serves = asyncio.Event()
        self.keeper: asyncio.Task[None] | None = None


_INFO, _WARNING = 20, 30
