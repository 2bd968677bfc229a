"""A store behind Sentinels finds the new primary by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from redis.asyncio import Redis

from tests.conformance.samples import SIBLING, THREAD, put, write
from tests.store.redis.sentinel_servers import NEVER, Sentinel, watched_servers
from tests.store.redis.servers import free_ports, running
from tests.store.waiting import PATIENCE
from understudy_server.clock import SystemClock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable, Unsent
from understudy_server.store.opener import open_store
from understudy_server.store.port import Store
from understudy_server.store.redis.connecting import parse_url

_T = TypeVar("_T")

LONG = 3 * PATIENCE
"""Seconds for a failover; a Sentinel that is kept waiting does nothing for half a minute."""


async def _insist(act: Callable[[], Awaitable[_T]]) -> _T:
    end = time.monotonic() + LONG
    while True:
        try:
            return await act()
        except (StoreUnavailable, OutcomeUnknown):
            assert time.monotonic() < end, "there is no new primary"
            await asyncio.sleep(0.05)


async def _write_or_find(store: Store, id: str) -> None:
    try:
        await write(store, put(id))
    except Conflict:
        # An earlier try was heard after all.
        assert await store.get(THREAD, "message", id) is not None


async def test_a_failover(tmp_path: Path) -> None:
    with watched_servers(tmp_path) as servers:
        here = await open_store(servers.url, SystemClock())
        there = await open_store(servers.url, SystemClock())
        await write(here, put("a"))
        port = servers.primary.port
        async with Redis(host="127.0.0.1", port=port, socket_timeout=PATIENCE) as admin:
            # WAIT is about what its own connection wrote, and so about everything before.
            await admin.set("last", "1")
            assert await admin.wait(1, int(PATIENCE * 1000)) == 1
        with here.watch(SIBLING) as sibling:
            servers.primary.stop()
            with pytest.raises((StoreUnavailable, OutcomeUnknown)):
                await write(here, put("b"))
            servers.look(1_000)
            # Nothing happens to the sibling: it is woken when wake-ups come from the new primary.
            assert await sibling.wait(LONG)
        await _insist(lambda: _write_or_find(here, "c"))
        servers.look(NEVER)
        for id in ("a", "c"):
            assert await _insist(partial(here.get, THREAD, "message", id)) is not None
        with here.watch(THREAD) as watch:
            await _insist(lambda: _write_or_find(there, "d"))
            assert await watch.wait(PATIENCE)
        await here.close()
        await there.close()


async def test_a_primary_that_has_become_a_replica(tmp_path: Path) -> None:
    with watched_servers(tmp_path) as servers:
        store = await open_store(servers.url, SystemClock())
        await write(store, put("a"))
        servers.change_roles()
        with pytest.raises(StoreUnavailable, match="read only replica") as caught:
            await write(store, put("b"))
        assert not isinstance(caught.value, Unsent)
        await _insist(lambda: _write_or_find(store, "b"))
        assert servers.is_asked()
        await store.close()
        end = time.monotonic() + PATIENCE
        while servers.is_asked():
            assert time.monotonic() < end, "it is still connected to the Sentinel"
            await asyncio.sleep(0.01)


async def test_no_sentinel() -> None:
    (nobody,) = free_ports(1)
    url = f"redis+sentinel://me:secret@127.0.0.1:{nobody}/main?sentinel_password=secret"
    with pytest.raises(StoreUnavailable, match="does not open: no Sentinel tells") as caught:
        await open_store(url, SystemClock())
    assert f"the store redis+sentinel://127.0.0.1:{nobody}/main " in caught.value.message
    assert f"127.0.0.1:{nobody} (Error" in caught.value.message
    assert "secret" not in caught.value.message


async def test_a_service_that_nobody_watches_and_a_wrong_password(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with running(Sentinel(tmp_path, "--requirepass", "right", port=port)):
        url = f"redis+sentinel://127.0.0.1:{port}/other?sentinel_password="
        with pytest.raises(StoreUnavailable, match="it does not watch this service"):
            await open_store(f"{url}right", SystemClock())
        with pytest.raises(StoreUnavailable, match="invalid") as caught:
            await open_store(f"{url}secret", SystemClock())
        assert "secret" not in caught.value.message


def test_what_a_url_says() -> None:
    address = parse_url(
        "rediss+sentinel://me:s%40x@One:1,two/my%20main/3"
        "?prefix=p&ssl_ca_certs=/ca.pem&sentinel_username=u&sentinel_password=q"
    )
    assert address.url == "rediss://me:s%40x@primary/3?ssl_ca_certs=%2Fca.pem"
    assert (address.prefix, address.cluster) == ("p", False)
    found = address.sentinels
    assert found is not None
    assert found.hosts == (("one", 1), ("two", 26379))
    assert (found.service, found.username, found.password) == ("my main", "u", "q")
    assert address.shown() == "rediss+sentinel://one:1,two:26379/my main"
    assert "'q'" not in repr(found)
