"""Health: as the store is, and not at all while the core drains."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from tests.clock import FakeClock
from understudy_server.errors import NotFound, StoreUnavailable
from understudy_server.rpc.errors import to_status
from understudy_server.rpc.health import STORE, WATCH_INTERVAL, Health
from understudy_server.store.memory import MemoryStore

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class MoodyStore(MemoryStore):
    """Answers pings only while it is well."""

    well = True

    async def ping(self) -> None:
        if not self.well:
            raise StoreUnavailable("ill")


class Abort(Exception):
    pass


class _Context:
    async def abort(self, code: object, details: str, trailing: object) -> None:
        raise Abort(code, details, trailing)


CONTEXT: Any = _Context()
"""What a handler uses of one."""


def _request(service: str = "") -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


def _health(clock: FakeClock) -> tuple[Health, MoodyStore]:
    store = MoodyStore(clock)
    return Health(store=store, clock=clock, services=frozenset({"a.Service"})), store


@pytest.mark.parametrize("service", ["", "a.Service", STORE])
async def test_it_is_as_its_store_is_until_it_drains(service: str) -> None:
    health, store = _health(FakeClock())
    assert (await health.Check(_request(service), CONTEXT)).status == SERVING
    store.well = False
    assert (await health.Check(_request(service), CONTEXT)).status == NOT_SERVING
    store.well = True
    health.drain()
    assert (await health.Check(_request(service), CONTEXT)).status == NOT_SERVING


async def test_an_unknown_service() -> None:
    health, _ = _health(FakeClock())
    with pytest.raises(Abort) as refused:
        await health.Check(_request("b.Service"), CONTEXT)
    status = to_status(NotFound("There is no service of this name here."))
    assert refused.value.args == (status.code, status.details, status.trailing_metadata)
    watching = health.Watch(_request("b.Service"), CONTEXT)
    assert (await anext(watching)).status == UNKNOWN


async def test_a_watcher_hears_of_changes_only() -> Any:
    clock = FakeClock()
    health, store = _health(clock)
    watching = health.Watch(_request(), CONTEXT)
    assert (await anext(watching)).status == SERVING

    async def fall_ill() -> None:
        await clock.sleep(10 * WATCH_INTERVAL)
        store.well = False

    async def next_change() -> object:
        await fall_ill()
        return (await anext(watching)).status

    assert await clock.run_until(next_change()) == NOT_SERVING


async def test_watchers_share_a_look_and_hear_at_once_of_draining() -> None:
    clock = FakeClock()
    health, store = _health(clock)
    pings = 0
    ping = store.ping

    async def counted() -> None:
        nonlocal pings
        pings += 1
        await ping()

    store.ping = counted  # type: ignore[method-assign]
    watching = [health.Watch(_request(), CONTEXT) for _ in range(10)]
    for watcher in watching:
        assert (await anext(watcher)).status == SERVING
    assert pings == 1
    nexts = [asyncio.ensure_future(anext(watcher)) for watcher in watching]
    await clock.advance(3 * WATCH_INTERVAL)
    assert pings == 4
    health.drain()
    await clock.advance(0)
    assert [task.result().status for task in nexts] == [NOT_SERVING] * 10
    assert pings == 4
