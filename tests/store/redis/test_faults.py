"""What the backend makes of a server that goes away, refuses, or does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from tests.conformance.samples import SIBLING, THREAD, append, commit_of, entry, put, write
from tests.store.redis.servers import redis_server
from understudy_server.clock import SystemClock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.commits import settle
from understudy_server.store.port import LOG_START
from understudy_server.store.redis.connecting import Address
from understudy_server.store.redis.store import RedisStore


@pytest.fixture
async def store(redis_url: str, prefix: str) -> AsyncIterator[RedisStore]:
    store = await _open(redis_url, prefix)
    yield store
    await store.close()


async def _open(url: str, prefix: str) -> RedisStore:
    return await RedisStore.open(Address(url=url, cluster=False, prefix=prefix), SystemClock())


async def test_a_server_that_lost_its_scripts(store: RedisStore, redis_url: str) -> None:
    await write(store, put("a"))
    async with Redis.from_url(redis_url) as admin:
        await admin.script_flush()
    await write(store, put("b"))
    assert [record.id for record in await store.list(THREAD, None, limit=9)] == ["a", "b"]


async def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not open"):
        await _open(f"unix://{tmp_path}/nobody.sock", "x")


async def test_a_wrong_password_is_named_and_not_shown() -> None:
    with TemporaryDirectory(prefix="us-") as folder:
        options = ("--requirepass", "right", "--save", "")
        with redis_server(Path(folder), *options) as url:
            with pytest.raises(StoreUnavailable, match="does not open") as caught:
                await _open(url.replace("unix://", "unix://:wrong@"), "x")
            assert "wrong" not in str(caught.value).replace("wrong number", "")
            store = await _open(url.replace("unix://", "unix://:right@"), "x")
            await store.ping()
            await store.close()


async def test_a_server_that_comes_back_has_everything_and_wakes_everybody() -> None:
    with TemporaryDirectory(prefix="us-") as folder:
        options = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        with redis_server(Path(folder), *options) as url:
            store = await _open(url, "x")
            await write(store, put("a"), append(entry((1, 1))))
        with pytest.raises(StoreUnavailable):
            await store.get(THREAD, "message", "a", fresh=True)
        with pytest.raises((StoreUnavailable, OutcomeUnknown)):
            await write(store, put("b"))
        with store.watch(SIBLING) as watch, redis_server(Path(folder), *options):
            # Nothing happens to the sibling: it is woken because something may have been missed.
            assert await watch.wait(60)
            assert await store.get(THREAD, "message", "a") is not None
            assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
            await write(store, put("b"))
            await store.close()


async def test_a_server_that_takes_no_writes(store: RedisStore, redis_url: str) -> None:
    await write(store, put("a"))
    async with Redis.from_url(redis_url) as admin:
        await admin.config_set("min-replicas-to-write", 1)
        try:
            with pytest.raises(StoreUnavailable, match="refused"):
                await write(store, put("b"))
            with pytest.raises(StoreUnavailable):
                await store.ping()
            assert await store.get(THREAD, "message", "a") is not None
        finally:
            await admin.config_set("min-replicas-to-write", 0)
    await write(store, put("b"))


async def test_an_answer_that_does_not_come(redis_url: str, prefix: str) -> None:
    store = await _open(redis_url, prefix)
    store._batches._timeout = 0.05
    clock = SystemClock()
    async with Redis.from_url(redis_url) as admin:
        # The server holds all clients up, and does everything afterwards.
        await admin.client_pause(60_000, all=False)
        commit = commit_of(put("a"))
        with pytest.raises(OutcomeUnknown):
            await store.commit(commit)
        await admin.client_unpause()
    store._batches._timeout = 30
    assert (await settle(store, commit, clock))[0] is not None
    assert len(await store.list(THREAD, None, limit=9)) == 1
    await store.close()


async def test_one_of_two_writers_wins_each_time(redis_url: str, prefix: str) -> None:
    one, two = await _open(redis_url, prefix), await _open(redis_url, prefix)
    won = {"one": 0, "two": 0}

    async def compete(name: str, store: RedisStore) -> None:
        while True:
            record = await store.get(THREAD, "head", "head", fresh=True)
            order = record.order + 1 if record else 0
            if order == 200:
                return
            try:
                expected = record.version if record else None
                await write(store, put("head", expected, kind="head", order=order))
            except Conflict:
                continue
            won[name] += 1

    await asyncio.gather(compete("one", one), compete("two", two))
    assert sum(won.values()) == 200
    for store in (one, two):
        await store.close()


async def test_a_commit_of_another_core_wakes(redis_url: str, prefix: str) -> None:
    here, there = await _open(redis_url, prefix), await _open(redis_url, prefix)
    with here.watch(THREAD) as watch, here.watch(None) as due:
        await write(there, put("a", due=5))
        assert await watch.wait(60)
        assert await due.wait(60)
    for store in (here, there):
        await store.close()


async def test_requests_of_one_moment_travel_together(store: RedisStore, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as admin:
        before = (await admin.info("stats"))["total_reads_processed"]
        await asyncio.gather(*(write(store, put(f"m{n}")) for n in range(200)))
        after = (await admin.info("stats"))["total_reads_processed"]
    assert after - before < 40
