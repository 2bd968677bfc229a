"""Who is woken by whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.conformance.samples import SIBLING, THREAD, put, write
from tests.store.postgres.opening import address_of, execute, open_empty, open_store
from tests.store.postgres.relay import Relay
from tests.store.postgres.servers import Server
from understudy_server.clock import SystemClock
from understudy_server.store.postgres import wakeups
from understudy_server.store.postgres.store import PostgresStore

LONG = 60


async def _polling(url: str) -> PostgresStore:
    address = replace(address_of(url, "shared"), notify="poll")
    return await PostgresStore.open(address, SystemClock())


@pytest.mark.parametrize("here_polls", [False, True])
@pytest.mark.parametrize("there_polls", [False, True])
async def test_a_commit_of_another_core_wakes(
    server: Server, here_polls: bool, there_polls: bool
) -> None:
    await (await open_empty(server.url)).close()
    here = await (_polling if here_polls else open_store)(server.url)
    there = await (_polling if there_polls else open_store)(server.url)
    for number in range(3):
        with here.watch(THREAD) as watch, here.watch(None) as due:
            await write(there, put(str(number), due=5))
            assert await watch.wait(LONG)
            assert await due.wait(LONG)
    for store in (here, there):
        await store.close()


async def test_a_listener_that_is_thrown_out_listens_again(server: Server) -> None:
    here, there = await open_empty(server.url), await open_store(server.url)
    with here.watch(SIBLING) as sibling:
        await execute(
            server.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' OR query LIKE '%pg_notify%' AND pid <> pg_backend_pid()",
        )
        # Something may have been missed, so everybody is woken.
        assert await sibling.wait(LONG)
    with here.watch(THREAD) as watch:
        await write(there, put("a"))
        assert await watch.wait(LONG)
    for store in (here, there):
        await store.close()


async def test_a_silent_connection_is_found_out(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "QUIET", 0.01)
    async with Relay(server) as relay:
        store = await open_empty(relay.url)
        connection = store._wake_ups._connection
        assert connection is not None
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        monkeypatch.setattr(wakeups, "TIMEOUT", 0.05)
        relay.manner = "hold"
        with store.watch(SIBLING) as watch:
            async with asyncio.timeout(LONG):
                await lost.wait()
            monkeypatch.undo()
            relay.manner = "pass"
            assert await watch.wait(LONG)
        await store.close()


async def test_many_commits_are_few_messages(server: Server) -> None:
    store = await open_empty(server.url)
    messages: list[str] = []
    everything = asyncio.Event()

    def hear(connection: object, pid: int, channel: str, message: object) -> None:
        messages.append(str(message))
        if "last" in str(message):
            everything.set()

    listener = await asyncpg.connect(server.url)
    await listener.add_listener("shared", hear)
    await asyncio.gather(*(write(store, put(f"m{n}")) for n in range(200)))
    await write(store, put("a"), partition=SIBLING._replace(name="last"))
    async with asyncio.timeout(LONG):
        await everything.wait()
    assert len(messages) < 100
    await listener.close()
    await store.close()


async def test_what_was_committed_just_before_the_end_is_told(server: Server) -> None:
    here, there = await open_empty(server.url), await open_store(server.url)
    with here.watch(THREAD) as watch:
        await write(there, put("a"))
        await there.close()
        assert await watch.wait(LONG)
    await here.close()
