"""The two addresses: free, or used by an Understudy that runs."""

from __future__ import annotations

import asyncio

import aiohttp
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy_cli.doctor.finding import Finding
from understudy_cli.server import OFF

_SECONDS = 10.0
"""The longest wait for an answer. On a busy machine one takes its time, and "not an Understudy" would be wrong."""


async def rest(host: str, port: int) -> Finding:
    address = _joined(host, port)
    if port == 0:
        return Finding("ok", "REST port", f"any free one of {host}")
    status = await _ready(f"http://{_joined(_reachable(host), port)}/ready")
    if status == 200:
        return Finding("ok", "REST port", f"{address} is served by an Understudy that is ready")
    if status is not None:
        return Finding(
            "FAIL",
            "REST port",
            f"{address} is served by an Understudy that is not ready: its log tells why",
        )
    return await _free("REST port", host, port, change="--port")


async def core(address: str) -> Finding:
    what = "gRPC port"
    if address == OFF:
        return Finding("ok", what, "off")
    host, _, port = address.rpartition(":")
    if not address.startswith("unix:") and port == "0":
        return Finding("ok", what, f"any free one of {host}")
    if await _serves(address):
        return Finding("ok", what, f"{address} is served by a core that is ready")
    if address.startswith("unix:"):
        return Finding("ok", what, f"nobody listens on {address}")
    if not port.isdecimal():
        return Finding("FAIL", what, f"'{address}' is not host:port, unix:/path or off")
    return await _free(what, host.strip("[]"), int(port), change="--grpc")


async def _free(what: str, host: str, port: int, *, change: str) -> Finding:
    address = _joined(host, port)
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        return Finding(
            "FAIL",
            what,
            f"cannot listen on {address} ({error.strerror or error}): stop what uses it, or choose "
            f"another with {change}",
        )
    server.close()
    await server.wait_closed()
    return Finding("ok", what, f"{address} is free")


async def _ready(url: str) -> int | None:
    """The status of an Understudy's answer; None if there is none, or from somebody else."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            ours = response.headers.get("server") == "understudy"
            return response.status if ours else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def _serves(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str) -> str:
    """Where to ask a server that listens on all addresses."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not to listen
