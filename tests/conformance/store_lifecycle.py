"""The store's time, its health, its end."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.samples import THREAD, commit_of, put, write
from understudy_server.errors import StoreError
from understudy_server.store.port import LOG_START, Store

YEAR_2020 = 1_577_836_800_000_000


class LifecycleConformance:
    async def test_time_is_in_microseconds_since_the_epoch(self, store: Store) -> None:
        assert YEAR_2020 < store.now() < 4 * YEAR_2020

    async def test_a_healthy_store_answers_a_ping(self, store: Store) -> None:
        await store.ping()
        await write(store, put("a"))
        await asyncio.gather(*(store.ping() for _ in range(5)))
        assert len(await store.list(THREAD, None, limit=9)) == 1

    async def test_a_closed_store_refuses_everything(self, store: Store) -> None:
        await write(store, put("a"))
        await store.close()
        for call in (
            store.get(THREAD, "message", "a"),
            store.list(THREAD, "message", limit=1),
            store.due(1, 1),
            store.directory("proj_1", "message", "x", limit=1),
            store.commit(commit_of(put("b"))),
            store.read(THREAD, "run_1", LOG_START, 1),
            store.ping(),
        ):
            with pytest.raises(StoreError):
                await call
        with pytest.raises(StoreError):
            store.watch(THREAD)

    async def test_closing_twice_is_closing_once(self, store: Store) -> None:
        await store.close()
        await store.close()

    async def test_closing_finishes_what_was_accepted(self, store: Store) -> None:
        waiting = [asyncio.create_task(write(store, put(str(n)))) for n in range(30)]
        await asyncio.sleep(0)
        await store.close()
        for versions in await asyncio.gather(*waiting):
            assert len(versions) == 1

    async def test_closing_wakes_who_waits(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            waiting = asyncio.create_task(watch.wait(30.0))
            await asyncio.sleep(0)
            await store.close()
            assert await waiting

    async def test_an_abandoned_commit_harms_nobody(self, store: Store) -> None:
        abandoned = [asyncio.create_task(write(store, put(f"x{n}"))) for n in range(10)]
        await asyncio.sleep(0)
        for task in abandoned:
            task.cancel()
        await write(store, put("a"))
        assert await store.get(THREAD, "message", "a", fresh=True) is not None
        await asyncio.wait(abandoned)
