"""A gRPC port that comes back: what brings grpc.aio's server down must not leave the core unreachable.

One call whose method's name is not UTF-8, by whomever, ends the loop that takes calls (grpc.aio decodes the name
there), and with it the port. So another server takes its place at once; calls that are under way go on at the old one.

As it falls, grpc.aio frees what the library below still writes to, which now and then ends the process.
``build_server`` makes servers that keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc.aio
import structlog
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # the package has no types for it

from understudy_server.clock import Clock, SystemClock

_LOOP = "_server_main_loop"
"""How grpc.aio calls what takes calls; its end is told by nothing public as long as calls are under way."""

_PAUSE = 0.05
"""Seconds between tries to bind a port that the old server has not let go of yet."""

_TRIES = 200
"""After how many of them a socket is bound although the old server seems to have it still."""


class _Keeping(cygrpc.AioServer):  # type: ignore[misc]  # as above
    """Waits for each next call to the end, also where nobody wants it any more."""

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[Any]:
        """A task that is cancelled would free the memory into which the next call is written."""
        return asyncio.shield(super()._make_request_call_future(method))


def build_server(**options: Any) -> grpc.aio.Server:
    """As ``grpc.aio.server``, which has no other way to be told."""
    plain, cygrpc.AioServer = cygrpc.AioServer, _Keeping
    try:
        return grpc.aio.server(**options)
    finally:
        cygrpc.AioServer = plain


class LastingServer:
    """``build`` makes a server that is not bound; ``bind`` gives it its address and returns the port.

    ``bind`` takes the port that it returned the first time, None before. It raises ``RuntimeError`` or ``OSError``.
    """

    def __init__(
        self,
        build: Callable[[], grpc.aio.Server],
        bind: Callable[[grpc.aio.Server, int | None], int],
        *,
        is_free: Callable[[], bool],
        clock: Clock | None = None,
    ) -> None:
        """``is_free``: whether a server that falls has taken its socket away, which would else be the next one's."""
        self._build = build
        self._bind = bind
        self._is_free = is_free
        self._clock = clock or SystemClock()
        self._server = build()
        self._port = 0
        self._old: dict[grpc.aio.Server, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(component="listener")

    async def start(self) -> int:
        """The bound port. Raises what ``bind`` does."""
        self._port = self._bind(self._server, None)
        loop = await _started(self._server)
        self._watching = asyncio.create_task(self._watch(loop))
        return self._port

    async def stop(self, grace: float) -> None:
        """``grace``: seconds that calls get to end."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        ending = tuple(self._old.values())
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await asyncio.gather(
            *(server.stop(grace) for server in (self._server, *self._old)), return_exceptions=True
        )

    async def _watch(self, loop: asyncio.Task[Any] | None) -> None:
        while loop is not None:
            await asyncio.wait([loop])
            error = None if loop.cancelled() else loop.exception()
            self._log.error("listener_fell", error=type(error).__name__)
            old, self._server = self._server, self._build()
            self._old[old] = asyncio.create_task(self._see_off(old))
            await self._bind_again()
            loop = await _started(self._server)
            self._log.info("listener_is_back", port=self._port)

    async def _bind_again(self) -> None:
        for _ in range(_TRIES):
            if self._is_free():
                break
            await self._clock.sleep(_PAUSE)
        while True:
            try:
                self._bind(self._server, self._port)
            except (RuntimeError, OSError):
                await self._clock.sleep(_PAUSE)
            else:
                return

    async def _see_off(self, old: grpc.aio.Server) -> None:
        """Until its last call has ended."""
        with suppress(Exception):
            # It tells why it fell.
            await old.wait_for_termination()
        with suppress(Exception):
            await old.stop(0)
        del self._old[old]


async def _started(server: grpc.aio.Server) -> asyncio.Task[Any] | None:
    """Starts it. What takes its calls; None where grpc.aio calls that otherwise, and its end is not seen."""
    before = asyncio.all_tasks()
    await server.start()
    for task in asyncio.all_tasks() - before:
        if _LOOP in getattr(task.get_coro(), "__qualname__", ""):
            return task
    return None
