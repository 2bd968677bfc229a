"""grpc.health.v1: whether this core can serve, asked of its collaborators at that moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy_server.clock import Clock
from understudy_server.errors import StoreError
from understudy_server.store.port import Store

STORE = "store"
"""A health service name of ours: the store alone."""

WATCH_INTERVAL = 1.0
"""Seconds between looks on behalf of a watcher."""

Status: TypeAlias = health_pb2.HealthCheckResponse.ServingStatus
Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """Every service of this core is as healthy as its store; none is while the core drains."""

    def __init__(self, *, store: Store, clock: Clock, services: frozenset[str]) -> None:
        self._store = store
        self._clock = clock
        self._services = services | {"", STORE}
        self._draining = False

    def drain(self) -> None:
        self._draining = True

    async def Check(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=await self._status())

    async def Watch(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        del context
        known = request.service in self._services
        last = None
        while True:
            status = await self._status() if known else Status.SERVICE_UNKNOWN
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            await self._clock.sleep(WATCH_INTERVAL)

    async def _status(self) -> int:
        if self._draining:
            return int(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            await self._store.ping()
        except StoreError:
            return int(health_pb2.HealthCheckResponse.NOT_SERVING)
        return int(health_pb2.HealthCheckResponse.SERVING)
