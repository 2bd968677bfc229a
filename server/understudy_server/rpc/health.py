"""grpc.health.v1: whether this core can serve.

``Check`` asks the store at that moment. ``Watch``, by which clients choose between cores, tells at once that the core
drains, and soon that its store is away: all watchers share one look every few seconds, which is a write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy_server.clock import Clock
from understudy_server.errors import NotFound, StoreError
from understudy_server.rpc.errors import to_status
from understudy_server.store.port import Store

STORE = "store"
"""A health service name of ours: the store alone."""

WATCH_INTERVAL = 5.0
"""Seconds between looks at the store on behalf of watchers."""

Status: TypeAlias = health_pb2.HealthCheckResponse.ServingStatus
Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """Every service of this core is as healthy as its store; none is while the core drains."""

    def __init__(self, *, store: Store, clock: Clock, services: frozenset[str]) -> None:
        self._store = store
        self._clock = clock
        self._services = services | {"", STORE}
        self._drained = asyncio.Event()
        self._looked: float | None = None
        self._found = int(Status.SERVING)

    def drain(self) -> None:
        self._drained.set()

    async def Check(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        if request.service not in self._services:
            status = to_status(NotFound("There is no service of this name here."))
            await context.abort(status.code, status.details, status.trailing_metadata)
        return health_pb2.HealthCheckResponse(status=await self._status())

    async def Watch(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        del context
        known = request.service in self._services
        last = None
        while True:
            status = await self._last_status() if known else Status.SERVICE_UNKNOWN
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            await self._next_look()

    async def _status(self) -> int:
        if self._drained.is_set():
            return int(Status.NOT_SERVING)
        try:
            await self._store.ping()
        except StoreError:
            return int(Status.NOT_SERVING)
        return int(Status.SERVING)

    async def _last_status(self) -> int:
        now = self._clock.monotonic()
        if self._looked is None or now - self._looked >= WATCH_INTERVAL:
            self._looked = now
            self._found = await self._status()
        return int(Status.NOT_SERVING) if self._drained.is_set() else self._found

    async def _next_look(self) -> None:
        if self._drained.is_set():
            await self._clock.sleep(WATCH_INTERVAL)
            return
        timer = asyncio.ensure_future(self._clock.sleep(WATCH_INTERVAL))
        drained = asyncio.ensure_future(self._drained.wait())
        try:
            await asyncio.wait({timer, drained}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            drained.cancel()
