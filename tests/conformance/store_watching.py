"""Wake-ups: subscribe, then read, then wait."""

from __future__ import annotations

import asyncio

from tests.conformance.samples import SIBLING, THREAD, append, drop, entry, put, write, write_one
from understudy_server.store.port import LOG_START, Store, Watch

LONG = 30.0
"""Seconds; nobody waits that long unless a wake-up was lost."""
SHORT = 0.005


async def _quiet(watch: Watch) -> None:
    """Return once a wait has ended without a change; early wake-ups are allowed."""
    while await watch.wait(SHORT):
        pass


class WatchConformance:
    async def test_a_wait_ends_without_a_change(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            await _quiet(watch)

    async def test_a_commit_wakes_a_waiting_reader(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            waiting = asyncio.create_task(watch.wait(LONG))
            await asyncio.sleep(0)
            await write(store, put("a"))
            assert await waiting

    async def test_a_commit_between_subscribing_and_waiting_is_not_lost(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            await write(store, put("a"))
            assert await watch.wait(LONG)
            await _quiet(watch)
            await write(store, append(entry((1, 1))))
            assert await watch.wait(LONG)

    async def test_every_kind_of_change_wakes(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            version = await write_one(store, put("a"))
            assert await watch.wait(LONG)
            await write(store, put("a", version))
            assert await watch.wait(LONG)
            await write(store, append(entry((1, 1))))
            assert await watch.wait(LONG)
            await write(store, drop())
            assert await watch.wait(LONG)

    async def test_all_watchers_wake(self, store: Store) -> None:
        with store.watch(THREAD) as one, store.watch(THREAD) as two:
            await write(store, put("a"))
            assert await one.wait(LONG)
            assert await two.wait(LONG)

    async def test_a_watch_that_ended_leaves_the_others(self, store: Store) -> None:
        with store.watch(THREAD) as kept:
            with store.watch(THREAD):
                pass
            await write(store, put("a"))
            assert await kept.wait(LONG)

    async def test_another_partition_does_not_stay_awake(self, store: Store) -> None:
        with store.watch(SIBLING) as watch:
            await write(store, put("a"))
            await _quiet(watch)

    async def test_what_becomes_due_wakes(self, store: Store) -> None:
        with store.watch(None) as watch:
            await write(store, put("a", due=5))
            assert await watch.wait(LONG)
            await _quiet(watch)
            await write(store, put("b", due=6), partition=SIBLING)
            assert await watch.wait(LONG)

    async def test_a_cancelled_wait_leaves_the_watch_usable(self, store: Store) -> None:
        with store.watch(THREAD) as watch:
            waiting = asyncio.create_task(watch.wait(LONG))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            await write(store, put("a"))
            assert await watch.wait(LONG)

    async def test_a_reader_that_reads_before_it_waits_misses_nothing(self, store: Store) -> None:
        async def follow() -> list[int]:
            seen: list[int] = []
            after = LOG_START
            with store.watch(THREAD) as watch:
                while len(seen) < 30:
                    entries = await store.read(THREAD, "run_1", after, 7)
                    seen += [found.last.n for found in entries]
                    after = entries[-1].last if entries else after
                    if not entries:
                        assert await watch.wait(LONG)
            return seen

        readers = [asyncio.create_task(follow()) for _ in range(3)]
        for number in range(1, 31):
            await write(store, append(entry((1, number))))
        for reader in readers:
            assert await reader == list(range(1, 31))
