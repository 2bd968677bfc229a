"""Requests per minute over several cores: the limit, the error that slices allow, and what that costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

import pytest

from tests.clock import FakeClock, idle
from tests.store.counting import CountingStore
from tests.store.forwarding import ForwardingStore
from tests.store.hostile import HostileStore, Rates
from understudy_server.clock import SECOND
from understudy_server.errors import OutcomeUnknown, StoreError, StoreUnavailable
from understudy_server.limits import windows
from understudy_server.limits.records import ONLY, budget_partition, request_budgets
from understudy_server.limits.requests import IDLE, RequestSlices, Standing
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Partition, Record, Store, Version

KEY = "0123456789abcdef"
START = 1_700_000_040_000_000 // windows.MINUTE * windows.MINUTE
"""The beginning of a minute."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall=START)


@pytest.fixture
def store(clock: FakeClock) -> CountingStore:
    return CountingStore(MemoryStore(clock))


async def _granted(slices: RequestSlices, limit: int, wanted: int) -> int:
    return sum([(await slices.take(KEY, limit)).granted for _ in range(wanted)])


async def test_one_core_serves_the_limit_and_no_more(
    clock: FakeClock, store: CountingStore
) -> None:
    slices = RequestSlices(store, clock)
    for _ in range(3):
        assert await _granted(slices, 100, 150) == 100
        await clock.advance(60)


async def test_requests_cost_no_round_trip_each(clock: FakeClock, store: CountingStore) -> None:
    slices = RequestSlices(store, clock)
    with store.trips() as trips:
        assert await _granted(slices, 1_000, 1_000) == 1_000
    assert str(trips) == "20 commit, 20 get"
    with store.trips() as trips:
        assert await _granted(slices, 1_000, 1_000) == 0
    # One look, at the end of the minute's requests; the others are refused out of memory.
    assert str(trips) == "1 get"


async def test_what_is_left_is_told(clock: FakeClock, store: CountingStore) -> None:
    one, two = RequestSlices(store, clock), RequestSlices(store, clock)
    assert (await one.take(KEY, 40)).left == 39
    # The other core knows of the slice, not of what is left of it.
    assert (await two.take(KEY, 40)).left == 37
    assert (await one.take(KEY, 40)).left == 38
    await clock.advance(12.5)
    standing = await one.take(KEY, 40)
    assert (standing.left, standing.reset) == (35, 47.5)


async def test_a_core_that_dies_takes_no_more_than_its_slice_along(
    clock: FakeClock, store: CountingStore
) -> None:
    dies, lives = RequestSlices(store, clock), RequestSlices(store, clock)
    assert await _granted(dies, 1_000, 1) == 1
    assert await _granted(lives, 1_000, 2_000) == 1_000 - windows.slice_size(1_000, 0)
    await clock.advance(60)
    assert await _granted(lives, 1_000, 2_000) == 1_000


async def test_what_a_core_does_not_use_comes_back(clock: FakeClock, store: CountingStore) -> None:
    idle, busy = RequestSlices(store, clock), RequestSlices(store, clock)
    assert await _granted(idle, 1_000, 10) == 10
    assert await _granted(busy, 1_000, 2_000) == 950
    await idle.give_back()
    await clock.advance(1)
    assert await _granted(busy, 1_000, 100) == 0
    await clock.advance(IDLE / SECOND)
    await idle.give_back()
    assert await _granted(busy, 1_000, 100) == 40
    # Once, not again.
    await idle.give_back()
    await clock.advance(2)
    assert await _granted(busy, 1_000, 100) == 0


async def test_a_core_that_stops_gives_back_at_once(clock: FakeClock, store: CountingStore) -> None:
    stops, goes_on = RequestSlices(store, clock), RequestSlices(store, clock)
    assert await _granted(stops, 1_000, 10) == 10
    await stops.give_back(idle=0)
    assert await _granted(goes_on, 1_000, 2_000) == 990


async def test_what_is_given_back_after_its_minute_counts_in_no_other(
    clock: FakeClock, store: CountingStore
) -> None:
    late, other = RequestSlices(store, clock), RequestSlices(store, clock)
    await late.take(KEY, 1_000)
    await clock.advance(60)
    assert await _granted(other, 1_000, 2_000) == 1_000
    await late.give_back(idle=0)
    await clock.advance(2)
    assert await _granted(other, 1_000, 2_000) == 0


class InterruptedStore(ForwardingStore):
    """Does something before it answers the next read."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await super().get(partition, kind, id, fresh=fresh)


async def test_a_request_of_the_next_minute_does_not_make_the_last_ones_slice_its_own(
    clock: FakeClock,
) -> None:
    memory = MemoryStore(clock)
    store = InterruptedStore(memory)
    gives, other = RequestSlices(store, clock), RequestSlices(memory, clock)
    assert await _granted(gives, 1_000, 1) == 1
    waiting: list[asyncio.Task[Standing]] = []

    async def turn() -> None:
        await clock.advance(60)
        assert await _granted(other, 1_000, 2_000) == 1_000
        waiting.append(asyncio.create_task(gives.take(KEY, 1_000)))
        await idle()

    store.meanwhile = turn
    await gives.give_back(idle=0)
    assert not (await waiting[0]).granted
    await clock.advance(2)
    assert await _granted(other, 1_000, 100) == 0


async def test_keys_do_not_share(clock: FakeClock, store: CountingStore) -> None:
    slices = RequestSlices(store, clock)
    assert (await slices.take("one", 1)).granted
    assert not (await slices.take("one", 1)).granted
    assert (await slices.take("two", 1)).granted


async def test_what_is_not_used_any_more_is_forgotten(
    clock: FakeClock, store: CountingStore
) -> None:
    slices = RequestSlices(store, clock)
    await slices.take(KEY, 1)
    assert slices.holds
    await clock.advance(120)
    await slices.give_back()
    assert not slices.holds


class AwayStore(ForwardingStore):
    away = False

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        if self.away:
            raise StoreUnavailable("away")
        return await super().get(partition, kind, id, fresh=fresh)


async def test_without_a_store_only_what_is_in_hand_is_served(clock: FakeClock) -> None:
    store = AwayStore(MemoryStore(clock))
    slices = RequestSlices(store, clock)
    await slices.take(KEY, 40)
    store.away = True
    assert (await slices.take(KEY, 40)).granted
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await slices.take(KEY, 40)
    store.away = False
    assert (await slices.take(KEY, 40)).granted


class LosingStore(ForwardingStore):
    """Loses the answer to one commit, before which somebody else writes."""

    between: RequestSlices | None = None

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        versions = await super().commit(commit)
        other, self.between = self.between, None
        if other is not None:
            await other.take(KEY, 1_000)
            raise OutcomeUnknown("lost")
        return versions


async def test_what_may_have_been_given_back_is_not_given_back_again(clock: FakeClock) -> None:
    memory = MemoryStore(clock)
    store = LosingStore(memory)
    one, other = RequestSlices(store, clock), RequestSlices(memory, clock)
    assert await _granted(one, 1_000, 10) == 10
    store.between = other
    await clock.run_until(one.give_back(idle=0))
    assert await _granted(other, 1_000, 2_000) == 1_000 - 10 - 1


class Skewed(ForwardingStore):
    """The same store, on a machine whose idea of its time is off by so many seconds."""

    def __init__(self, inner: Store, seconds: float) -> None:
        super().__init__(inner)
        self._off = round(seconds * SECOND)

    def now(self) -> int:
        return super().now() + self._off


class Played:
    """Several cores under load, some of which die, over a store that behaves badly."""

    def __init__(self, seed: int, *, cores: int, limit: int, skew: float, rates: Rates) -> None:
        self.random = Random(seed)
        self.clock = FakeClock(wall=START)
        memory = MemoryStore(self.clock)
        self.stores = [
            HostileStore(
                Skewed(memory, self.random.uniform(-skew, skew)), self.random, self.clock, rates
            )
            for _ in range(cores)
        ]
        self.limit = limit
        self.served: Counter[int] = Counter()
        """By the minute of the store's clock."""
        self.memory = memory

    async def play(self, seconds: float, *, deaths: bool) -> None:
        await asyncio.gather(*(self._core(store, seconds, deaths=deaths) for store in self.stores))

    async def _core(self, store: HostileStore, seconds: float, *, deaths: bool) -> None:
        slices = RequestSlices(store, self.clock)
        while self.clock.monotonic() < seconds:
            if deaths and self.random.random() < 0.005:
                slices = RequestSlices(store, self.clock)
            if self.random.random() < 0.01:
                await self.clock.sleep(self.random.uniform(5, 20))
                await slices.give_back()
            with suppress(StoreError):
                if (await slices.take(KEY, self.limit)).granted:
                    self.served[windows.number(self.memory.now(), windows.MINUTE)] += 1
            await self.clock.sleep(self.random.uniform(0, 0.4))


@pytest.mark.parametrize("seed", range(12))
async def test_however_the_store_behaves_no_minute_exceeds_its_limit(seed: int) -> None:
    played = Played(seed, cores=4, limit=60, skew=0, rates=Rates())
    await played.clock.run_until(played.play(240, deaths=True))
    assert max(played.served.values()) <= 60
    assert len(played.served) >= 4
    record = await request_budgets.get(played.memory, budget_partition(KEY), ONLY, fresh=True)
    assert record is not None
    assert 0 <= record.body.granted <= 60


@pytest.mark.parametrize("seed", range(6))
async def test_with_a_good_store_all_but_the_slices_in_hand_is_served(seed: int) -> None:
    cores, limit = 4, 200
    played = Played(seed, cores=cores, limit=limit, skew=0, rates=Rates.none())
    await played.clock.run_until(played.play(179, deaths=False))
    error = cores * windows.slice_size(limit, 0)
    # The last minute may only have begun.
    for minute in range(START // windows.MINUTE, START // windows.MINUTE + 3):
        assert limit - error <= played.served[minute] <= limit
    assert max(played.served.values()) <= limit


@pytest.mark.parametrize("seed", range(6))
async def test_clocks_that_differ_cost_what_their_error_is_worth(seed: int) -> None:
    limit = 60
    played = Played(seed, cores=4, limit=limit, skew=20, rates=Rates.none())
    await played.clock.run_until(played.play(299, deaths=False))
    # Five minutes, and the one before and after of cores that are behind and ahead.
    assert sum(played.served.values()) <= limit * 7
