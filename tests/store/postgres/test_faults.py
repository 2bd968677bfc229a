"""What the backend makes of a server that goes away, refuses, or does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from tests.conformance.samples import SIBLING, THREAD, append, commit_of, entry, put, write
from tests.store.postgres.opening import execute, open_empty, open_store
from tests.store.postgres.relay import Relay
from tests.store.postgres.servers import USER, Server, postgres, url
from understudy_server.clock import SystemClock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.commits import settle
from understudy_server.store.port import LOG_START
from understudy_server.store.postgres.store import PostgresStore


@pytest.fixture
async def relay(server: Server) -> AsyncIterator[Relay]:
    async with Relay(server) as relay:
        yield relay


@pytest.fixture
async def store(relay: Relay) -> AsyncIterator[PostgresStore]:
    store = await open_empty(relay.url)
    yield store
    await store.close()


async def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not open"):
        await open_store(url(tmp_path))


async def test_a_password_is_not_shown(server: Server) -> None:
    secret = server.url.replace(f"{USER}@", f"{USER}:secret@").replace("/postgres", "/nowhere")
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist') as caught:
        await open_store(secret)
    assert "secret" not in str(caught.value)


async def test_a_server_that_comes_back_has_everything_and_wakes_everybody() -> None:
    with postgres() as server:
        store = await open_store(server.url)
        await write(store, put("a"), append(entry((1, 1))))
        # The end of a server, unlike that of its machine, loses nothing that was confirmed, also without fsync.
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.get(THREAD, "message", "a", fresh=True)
        with pytest.raises((StoreUnavailable, OutcomeUnknown)):
            await write(store, put("b"))
        with store.watch(SIBLING) as watch:
            server.start()
            # Nothing happens to the sibling: it is woken because something may have been missed.
            assert await watch.wait(60)
            assert await store.get(THREAD, "message", "a") is not None
            assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
            await write(store, put("b"))
            await store.close()


@pytest.mark.parametrize("manner", ["cut before", "cut after"])
async def test_a_connection_that_is_lost_with_a_commit(
    store: PostgresStore, relay: Relay, manner: Literal["cut before", "cut after"]
) -> None:
    await write(store, put("first"))
    commit = commit_of(put("a"))
    relay.manner = manner
    with pytest.raises(OutcomeUnknown):
        await store.commit(commit)
    relay.manner = "pass"
    assert (await settle(store, commit, SystemClock()))[0] is not None
    assert len(await store.list(THREAD, None, limit=9)) == 2


async def test_connections_that_were_lost_while_nothing_was_asked(
    store: PostgresStore, relay: Relay
) -> None:
    await write(store, put("a"))
    with store.watch(SIBLING) as watch:
        relay.cut()
        # The wake-ups' own connection is back, so the others have been seen to be lost too.
        assert await watch.wait(60)
    await write(store, put("b"))
    assert len(await store.list(THREAD, None, limit=9)) == 2


async def test_an_answer_that_does_not_come(store: PostgresStore, relay: Relay) -> None:
    await write(store, put("first"))
    commit = commit_of(put("a"))
    store._pool._timeout = 0.05
    relay.manner = "hold"
    with pytest.raises(OutcomeUnknown):
        await store.commit(commit)
    with pytest.raises(StoreUnavailable):
        await store.get(THREAD, "message", "a")
    relay.manner = "pass"
    store._pool._timeout = 30
    assert (await settle(store, commit, SystemClock()))[0] is not None
    assert len(await store.list(THREAD, None, limit=9)) == 2


async def test_every_connection_is_busy(server: Server, relay: Relay) -> None:
    store = await open_empty(relay.url, pool=1)
    relay.manner = "hold"
    held = asyncio.create_task(write(store, put("a")))
    await asyncio.sleep(0)
    store._pool._timeout = 0.01
    with pytest.raises(StoreUnavailable, match="all 1 connections to PostgreSQL are busy"):
        await write(store, put("b"))
    relay.cut()
    with pytest.raises(OutcomeUnknown):
        await held
    relay.manner = "pass"
    store._pool._timeout = 30
    await write(store, put("b"))
    await store.close()


async def test_a_server_that_takes_no_writes(store: PostgresStore, server: Server) -> None:
    await write(store, put("a"))
    name = "default_transaction_read_only"
    try:
        # For sessions that begin from now on.
        await execute(server.url, f"ALTER ROLE {USER} SET {name} = on")
        other = await open_store(server.url)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="read-only"):
                await write(other, put("b"))
        assert await other.get(THREAD, "message", "a") is not None
        # Several connections, so that all of them have to be made anew.
        outcomes = await asyncio.gather(*(other.ping() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    finally:
        await execute(
            server.url, "SET default_transaction_read_only = off", f"ALTER ROLE {USER} RESET {name}"
        )
    await write(other, put("b"))
    await other.close()


async def test_another_isolation_is_refused(store: PostgresStore, server: Server) -> None:
    name = "default_transaction_isolation"
    try:
        await execute(server.url, f"ALTER ROLE {USER} SET {name} = 'repeatable read'")
        other = await open_store(server.url)
        with pytest.raises(StoreUnavailable, match="must be read committed"):
            await write(other, put("a"))
        await other.close()
    finally:
        await execute(server.url, f"ALTER ROLE {USER} RESET {name}")
    await write(store, put("a"))


async def test_one_of_two_writers_wins_each_time(server: Server) -> None:
    one, two = await open_empty(server.url), await open_store(server.url)

    async def compete(store: PostgresStore) -> int:
        won = 0
        while True:
            record = await store.get(THREAD, "head", "head", fresh=True)
            order = record.order + 1 if record else 0
            if order == 100:
                return won
            try:
                expected = record.version if record else None
                await write(store, put("head", expected, kind="head", order=order))
            except Conflict:
                continue
            won += 1

    assert sum(await asyncio.gather(compete(one), compete(two), compete(one))) == 100
    for store in (one, two):
        await store.close()


async def test_of_two_appends_at_once_none_is_out_of_order(server: Server) -> None:
    """The ids differ, so that no constraint of a table is what keeps them apart."""
    one, two = await open_empty(server.url), await open_store(server.url)
    for n in range(1, 40):
        await asyncio.gather(
            write(one, append(entry((n, 1)))),
            write(two, append(entry((n, 2)))),
            return_exceptions=True,
        )
    found = await one.read(THREAD, "run_1", LOG_START, 100)
    assert [each.last for each in found] == sorted(each.last for each in found)
    assert {each.last.attempt for each in found} == set(range(1, 40))
    for store in (one, two):
        await store.close()
