from __future__ import annotations

from random import Random

import pytest

from tests.clock import FakeClock
from understudy_server.clock import SECOND
from understudy_server.store.cosmos.time import StoreTime

MIDNIGHT = 1_700_006_400_000_000
DATE = "Wed, 15 Nov 2023 {:02}:{:02}:{:02} GMT"


def date(microseconds: float) -> str:
    second = int(microseconds - MIDNIGHT) // SECOND
    return DATE.format(second // 3600, second // 60 % 60, second % 60)


async def test_before_the_first_answer_the_machine_is_believed() -> None:
    clock = FakeClock(wall=5)
    assert StoreTime(clock).now() == 5


async def test_one_date_leaves_half_a_second_of_error() -> None:
    clock = FakeClock()
    time = StoreTime(clock)
    time.hear(0, 0, date(MIDNIGHT + 3 * SECOND))
    assert time.now() == MIDNIGHT + 3.5 * SECOND
    await clock.advance(10)
    assert time.now() == MIDNIGHT + 13.5 * SECOND


@pytest.mark.parametrize("seed", range(5), ids=str)
async def test_many_dates_leave_hardly_any(seed: int) -> None:
    random = Random(seed)
    clock = FakeClock()
    time = StoreTime(clock)
    offset = MIDNIGHT + random.uniform(0, 5) * SECOND
    for _ in range(300):
        before = clock.monotonic()
        there = before + random.uniform(0, 0.01)
        await clock.advance(0.02)
        time.hear(before, clock.monotonic(), date(offset + there * SECOND))
        await clock.advance(random.uniform(0, 0.5))
    assert abs(time.now() - (offset + clock.monotonic() * SECOND)) < 0.05 * SECOND


async def test_less_doubt_does_not_turn_time_back() -> None:
    clock = FakeClock()
    time = StoreTime(clock)
    await clock.advance(0.4)
    time.hear(0, 0.4, date(MIDNIGHT))
    told = time.now()
    assert told == MIDNIGHT + 0.7 * SECOND
    time.hear(0.4, 0.4, date(MIDNIGHT))
    assert time.now() == told
    await clock.advance(0.5)
    assert time.now() == MIDNIGHT + SECOND


async def test_a_clock_that_was_set_is_followed() -> None:
    clock = FakeClock()
    time = StoreTime(clock)
    time.hear(0, 0, date(MIDNIGHT))
    time.hear(0, 0, date(MIDNIGHT + 3600 * SECOND))
    assert time.now() == MIDNIGHT + 3600.5 * SECOND


@pytest.mark.parametrize("text", ["", "yesterday", "Wed, 99 Nov 2023 00:00:00 GMT"])
async def test_no_date_changes_nothing(text: str) -> None:
    clock = FakeClock()
    time = StoreTime(clock)
    time.hear(0, 0, date(MIDNIGHT))
    time.hear(0, 0, text)
    assert time.now() == MIDNIGHT + SECOND // 2
