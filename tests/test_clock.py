"""The fake clock keeps the promises of the port, and its own."""

from __future__ import annotations

import asyncio

import pytest

from tests.clock import FakeClock, idle
from understudy_server.clock import Clock, SystemClock


@pytest.mark.parametrize("make", [FakeClock, SystemClock], ids=lambda make: make.__name__)
async def test_sleeping_nothing_yields_once(make: type[FakeClock | SystemClock]) -> None:
    clock: Clock = make()
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    task = asyncio.create_task(other())
    await clock.sleep(0)
    order.append("self")
    await task
    assert order == ["other", "self"]


async def test_time_stands_still() -> None:
    clock = FakeClock(wall=10)
    await idle()
    assert (clock.monotonic(), clock.wall()) == (0.0, 10)


async def test_sleepers_wake_in_order_at_their_times() -> None:
    clock = FakeClock(wall=0)
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            seen.append((name, clock.monotonic()))

    tasks = [
        asyncio.create_task(sleeper("a", 3, 1)),
        asyncio.create_task(sleeper("b", 1, 2, 5)),
    ]
    await clock.advance(4)
    assert seen == [("b", 1), ("a", 3), ("b", 3), ("a", 4)]
    assert clock.wall() == 4_000_000
    await clock.advance(4)
    assert seen[-1] == ("b", 8.0)
    await asyncio.gather(*tasks)


async def test_a_step_before_the_time_wakes_nobody() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.advance(0.999)
    assert not task.done()
    await clock.advance(0.001)
    assert task.done()


async def test_a_cancelled_sleeper_holds_up_nobody() -> None:
    clock = FakeClock()
    cancelled = asyncio.create_task(clock.sleep(1))
    await idle()
    cancelled.cancel()
    await clock.run_until(clock.sleep(5))
    assert clock.monotonic() == 5


async def test_run_until_jumps_and_gives_the_result() -> None:
    clock = FakeClock()

    async def work() -> str:
        for _ in range(1000):
            await clock.sleep(3600)
        return "done"

    assert await clock.run_until(work()) == "done"
    assert clock.monotonic() == 3_600_000


async def test_run_until_waits_for_threads_and_passes_on_errors() -> None:
    clock = FakeClock()

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await clock.run_until(asyncio.to_thread(fail))


async def test_the_wall_clock_can_step_back() -> None:
    clock = FakeClock(wall=1_000_000)
    await clock.advance(1)
    clock.set_wall(5)
    assert (clock.monotonic(), clock.wall()) == (1.0, 5)
