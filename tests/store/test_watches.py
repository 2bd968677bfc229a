"""Wake-ups under a fake clock: timeouts take their time, and nothing is left behind."""

from __future__ import annotations

import asyncio

from tests.clock import FakeClock
from tests.conformance.samples import SIBLING, THREAD, commit_of, drop, put
from understudy_server.store.watches import Watches


async def test_a_timeout_takes_its_time() -> None:
    clock = FakeClock()
    with Watches(clock).watch(THREAD) as watch:
        waiting = asyncio.create_task(watch.wait(5))
        await clock.advance(4.99)
        assert not waiting.done()
        await clock.advance(0.01)
        assert waiting.done()
        assert not await waiting


async def test_a_wake_up_comes_at_once_and_stops_the_timer() -> None:
    clock = FakeClock()
    watches = Watches(clock)
    with watches.watch(THREAD) as watch:
        waiting = asyncio.create_task(watch.wait(5))
        await clock.advance(1)
        watches.announce([commit_of(put("a"))])
        assert await waiting
        again = asyncio.create_task(watch.wait(5))
        await clock.advance(4.5)  # the first timer would have ended here
        assert not again.done()
        await clock.advance(1)
        assert not await again


async def test_only_what_changed_wakes() -> None:
    clock = FakeClock()
    watches = Watches(clock)
    with watches.watch(THREAD) as thread, watches.watch(None) as due:
        watches.announce([commit_of(put("a", due=1), partition=SIBLING)])
        assert await due.wait(0)
        assert not await thread.wait(0)
        watches.announce([commit_of(put("a"), drop())])
        assert not await due.wait(0)
        assert await thread.wait(0)


async def test_many_changes_are_one_wake_up() -> None:
    watches = Watches(FakeClock())
    with watches.watch(THREAD) as watch:
        watches.announce([commit_of(put("a"))] * 10)
        assert await watch.wait(0)
        assert not await watch.wait(0)


async def test_ended_watches_are_forgotten() -> None:
    watches = Watches(FakeClock())
    for _ in range(3):
        with watches.watch(THREAD), watches.watch(THREAD), watches.watch(None):
            pass
    assert not watches._subscribers
