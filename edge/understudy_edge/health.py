"""Whether this edge lives, and whether it can serve."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc
from aiohttp import web
from grpc_health.v1 import health_pb2, health_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHECKS: Final[Mapping[str, str]] = {"core": "", "store": "store"}
"""What is checked, and under which service name the core reports it."""
_OK: Final = "ok"
_TIMEOUT: Final = 2.0


class Health:
    """Answers probes, which have no key."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._health = health_pb2_grpc.HealthStub(channel)

    async def health(self, _request: web.Request) -> web.Response:
        """The process answers: that is all that it says."""
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when the core and its store are there, 503 and what is not otherwise."""
        states = await asyncio.gather(*map(self._state, _CHECKS.values()))
        checks = dict(zip(_CHECKS, states, strict=True))
        ready = all(state == _OK for state in states)
        status = _OK if ready else "unavailable"
        return web.json_response({"status": status, "checks": checks}, status=200 if ready else 503)

    async def _state(self, service: str) -> str:
        try:
            answer = await self._health.Check(
                health_pb2.HealthCheckRequest(service=service), timeout=_TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            return error.code().name.lower()
        serving = answer.status == health_pb2.HealthCheckResponse.SERVING
        return _OK if serving else "not_serving"
