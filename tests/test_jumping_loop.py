"""The loop of the simulations: asyncio as it is elsewhere, and time that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from tests.clock import FakeClock
from tests.jumping_loop import Restless, jumping_loop


def test_time_jumps_from_one_sleeper_to_the_next() -> None:
    clock = FakeClock()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            seen.append((name, asyncio.get_running_loop().time()))

    async def both() -> str:
        await asyncio.gather(sleeper("a", 3, 1), sleeper("b", 1, 2, 5))
        return "done"

    assert jumping_loop(clock).play(both()) == "done"
    assert seen == [("b", 1), ("a", 3), ("b", 3), ("a", 4), ("b", 8)]


def test_tasks_are_cancelled_and_waited_for_as_elsewhere() -> None:
    clock = FakeClock()

    async def work() -> list[str]:
        done: list[str] = []
        event = asyncio.Event()

        async def waits() -> None:
            try:
                await event.wait()
            finally:
                done.append("left")

        task = asyncio.create_task(waits())
        finished, _ = await asyncio.wait(
            {task, asyncio.create_task(clock.sleep(5))}, return_when="FIRST_COMPLETED"
        )
        assert task not in finished
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return done

    assert jumping_loop(clock).play(work()) == ["left"]


def test_an_error_is_the_callers() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        jumping_loop(FakeClock()).play(fails())


def test_a_dropped_generator_is_closed() -> None:
    closed = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def work() -> None:
        async for _ in numbers():
            break
        for _ in range(5):
            await asyncio.sleep(0)

    jumping_loop(FakeClock()).play(work())
    assert closed == [True]


def test_circles_and_dead_ends_are_found() -> None:
    async def circles() -> None:
        while True:  # noqa: ASYNC110  # going round is what is wanted here
            await asyncio.sleep(0)

    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Restless, match="too many steps"):
        jumping_loop(FakeClock(), steps=1000).play(circles())
    with pytest.raises(Restless, match="everybody waits"):
        jumping_loop(FakeClock()).play(waits())


def test_whoever_is_left_when_it_stops_is_cancelled() -> None:
    left = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            await asyncio.sleep(0)
            left.append(True)

    async def counts() -> None:
        async with aclosing(numbers()) as found:
            async for _ in found:
                pass

    async def circles() -> None:
        tasks = [asyncio.create_task(counts()) for _ in range(3)]
        while not all(task.done() for task in tasks):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)

    with pytest.raises(Restless, match="too many steps"):
        jumping_loop(FakeClock(), steps=1000).play(circles())
    assert left == [True] * 3


def test_errors_that_nobody_looked_at_are_kept() -> None:
    async def fails() -> None:
        raise KeyError("x")

    async def work() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        del task
        await asyncio.sleep(0)

    loop = jumping_loop(FakeClock())
    loop.play(work())
    assert len(loop.failures) == 1
    assert "KeyError" in loop.failures[0]
