"""What each call is told of its key's limits, and what that costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clock import FakeClock
from tests.store.counting import CountingStore
from understudy_server.auth.principal import Principal
from understudy_server.limits import windows
from understudy_server.limits.admission import Admission, Admitted
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.records import ONLY, budget_partition, run_budgets
from understudy_server.limits.runs import RunBudgets
from understudy_server.store.commits import commit_new
from understudy_server.store.memory import MemoryStore
from understudy_server.store.v1.records_pb2 import RunBudget

MIDNIGHT = 1_700_000_000_000_000 // windows.DAY * windows.DAY


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall=MIDNIGHT)


@pytest.fixture
def store(clock: FakeClock) -> CountingStore:
    return CountingStore(MemoryStore(clock))


@pytest.fixture
async def admission(store: CountingStore, clock: FakeClock) -> AsyncIterator[Admission]:
    admission = Admission(store, clock, RunBudgets(store, clock))
    admission.start()
    yield admission
    await admission.stop()


def key(**limits: Any) -> Principal:
    return Principal(project="p", key_id="k", budget="k", limits=KeyLimits(**limits))


@pytest.mark.parametrize("limits", [{}, {"concurrent_runs": 1}])
async def test_where_there_is_nothing_to_count_the_store_is_not_asked(
    admission: Admission, store: CountingStore, clock: FakeClock, limits: dict[str, int]
) -> None:
    with store.trips() as trips:
        assert await admission.admit(key(**limits)) == Admitted()
        await clock.advance(300)
    assert str(trips) == ""


async def test_requests(admission: Admission, clock: FakeClock) -> None:
    assert await admission.admit(key(requests_per_minute=1)) == Admitted(
        pairs=(
            ("x-ratelimit-limit-requests", "1"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1m0s"),
        )
    )
    await clock.advance(58.75)
    refused = await admission.admit(key(requests_per_minute=1))
    assert refused.pairs == (
        ("x-ratelimit-limit-requests", "1"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1.25s"),
    )
    assert refused.refusal is not None
    assert refused.refusal.retry_after == 1.25
    await clock.advance(1.25)
    assert (await admission.admit(key(requests_per_minute=1))).refusal is None


async def _use(store: CountingStore, clock: FakeClock, tokens: int) -> None:
    row = await run_budgets.get(store, budget_partition("k"), ONLY, fresh=True)
    body = RunBudget(day=windows.number(store.now(), windows.DAY), tokens=tokens)
    put = run_budgets.put(ONLY, body, expected=None if row is None else row.version, order=0)
    await commit_new(store, budget_partition("k"), [put], clock)


async def test_tokens_are_told_and_stop_no_request(
    admission: Admission, store: CountingStore, clock: FakeClock
) -> None:
    async def told() -> str:
        admitted = await admission.admit(key(tokens_per_day=1_000))
        assert admitted.refusal is None
        pairs = dict(admitted.pairs)
        assert pairs["x-ratelimit-limit-tokens"] == "1000"
        assert len(pairs) == 3
        assert pairs["x-ratelimit-reset-tokens"] == windows.duration(86_400 - clock.monotonic())
        return pairs["x-ratelimit-remaining-tokens"]

    assert await told() == "1000"
    await _use(store, clock, 300)
    with store.trips() as trips:
        for _ in range(100):
            await told()
    # What other cores count is seen some seconds later.
    assert str(trips) == ""
    await clock.advance(10)
    assert await told() == "700"
    await _use(store, clock, 1_300)
    await clock.advance(10)
    assert await told() == "0"


async def test_both(admission: Admission) -> None:
    admitted = await admission.admit(key(requests_per_minute=10, tokens_per_day=10))
    assert len(admitted.pairs) == 6


async def test_unused_slices_come_back_by_themselves(
    admission: Admission, store: CountingStore, clock: FakeClock
) -> None:
    other = Admission(store, clock, RunBudgets(store, clock))
    limited = key(requests_per_minute=100)
    await admission.admit(limited)

    async def granted() -> int:
        admitted = [await other.admit(limited) for _ in range(200)]
        return sum(each.refusal is None for each in admitted)

    assert await granted() == 95
    await clock.advance(8)
    assert await granted() == 4
    # With nothing left to give back nobody asks the store any more.
    await clock.advance(180)
    with store.trips() as trips:
        await clock.advance(60)
    assert str(trips) == ""
