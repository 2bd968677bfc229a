"""The hostile store: harmless at rate zero, and each kind of harm is what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest

from tests.clock import FakeClock
from tests.conformance.samples import THREAD, append, commit_of, entry, put, write, write_one
from tests.conformance.store import StoreConformance
from tests.store.hostile import LATEST, STALEST, TIMEOUT, HostileStore, Rates
from understudy_server.clock import SystemClock
from understudy_server.errors import OutcomeUnknown, StoreError, StoreUnavailable
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import LOG_START, Store

NONE = Rates.none()


class TestHostileStoreAtRateZero(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        clock = SystemClock()
        store = HostileStore(MemoryStore(clock), Random(1), clock, NONE)
        yield store
        await store.close()


def _hostile(rates: Rates, seed: int = 1) -> tuple[HostileStore, MemoryStore, FakeClock]:
    clock = FakeClock()
    inner = MemoryStore(clock)
    return HostileStore(inner, Random(seed), clock, rates), inner, clock


async def test_a_refused_commit_changes_nothing() -> None:
    store, inner, _ = _hostile(replace(NONE, refuse=1))
    with pytest.raises(StoreUnavailable):
        await write(store, put("a"))
    with pytest.raises(StoreUnavailable):
        await store.ping()
    assert await inner.get(THREAD, "message", "a") is None


async def test_a_dropped_commit_never_happens() -> None:
    store, inner, clock = _hostile(replace(NONE, drop=1))
    with pytest.raises(OutcomeUnknown):
        await clock.run_until(write(store, put("a")))
    assert clock.monotonic() == TIMEOUT
    await clock.advance(2 * LATEST)
    assert await inner.get(THREAD, "message", "a") is None


async def test_a_late_commit_happens_later() -> None:
    store, inner, clock = _hostile(replace(NONE, late=1))
    with pytest.raises(OutcomeUnknown):
        await clock.run_until(write(store, put("a")))
    assert await inner.get(THREAD, "message", "a") is None
    await clock.advance(LATEST)
    assert await inner.get(THREAD, "message", "a") is not None


async def test_a_late_commit_that_no_longer_fits_is_lost() -> None:
    store, inner, clock = _hostile(replace(NONE, late=1))
    with pytest.raises(OutcomeUnknown):
        await clock.run_until(write(store, put("a", body=b"late")))
    await write(inner, put("a", body=b"first"))
    await clock.advance(LATEST)
    record = await inner.get(THREAD, "message", "a")
    assert record is not None
    assert record.body == b"first"


async def test_a_late_commit_does_not_outlive_the_store() -> None:
    store, _, clock = _hostile(replace(NONE, late=1))
    with pytest.raises(OutcomeUnknown):
        await clock.run_until(write(store, put("a")))
    await store.close()
    await clock.advance(LATEST)


async def test_a_lost_answer_hides_success_and_conflict() -> None:
    store, inner, clock = _hostile(replace(NONE, lose=1))
    for body in (b"first", b"conflicting"):
        with pytest.raises(OutcomeUnknown):
            await clock.run_until(write(store, put("a", body=body)))
    record = await inner.get(THREAD, "message", "a")
    assert record is not None
    assert record.body == b"first"


async def test_reads_across_partitions_and_plain_ones_lag() -> None:
    store, _, clock = _hostile(replace(NONE, stale=1))
    first = await write_one(store, put("a", body=b"1", due=1, labels=("x",)))
    await clock.advance(STALEST)
    await write(store, put("a", first, body=b"2", due=1, labels=("x",)), append(entry((1, 1))))

    async def bodies() -> list[bytes]:
        record = await store.get(THREAD, "message", "a")
        listings = [
            await store.due(9, 9),
            await store.directory("proj_1", "message", "x", limit=9),
        ]
        assert record is not None
        return [record.body, *(found.body for listing in listings for found in listing)]

    assert await bodies() == [b"1"] * 3
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
    assert [found.body for found in await store.list(THREAD, "message", limit=9)] == [b"2"]
    fresh = await store.get(THREAD, "message", "a", fresh=True)
    assert fresh is not None
    assert fresh.body == b"2"
    await clock.advance(STALEST)
    assert await bodies() == [b"2"] * 3


async def test_a_read_fails() -> None:
    store, _, _ = _hostile(replace(NONE, unread=1))
    for reading in (
        store.get(THREAD, "message", "a", fresh=True),
        store.list(THREAD, None, limit=1),
        store.due(9, 9),
        store.directory("proj_1", "message", "x", limit=9),
        store.read(THREAD, "run_1", LOG_START, 9),
    ):
        with pytest.raises(StoreUnavailable):
            await reading


async def test_wake_ups_are_lost() -> None:
    store, _, clock = _hostile(replace(NONE, deaf=1))
    with store.watch(THREAD) as watch:
        await write(store, put("a"))
        assert not await clock.run_until(watch.wait(5))
        assert clock.monotonic() == 5
        store.rates = NONE
        await write(store, put("b"))
        assert await clock.run_until(watch.wait(5))


async def test_a_seed_is_a_history() -> None:
    async def history(seed: int) -> list[str]:
        store, _, clock = _hostile(Rates(refuse=0.2, drop=0.2, late=0.2, lose=0.2), seed)
        outcomes = []
        for number in range(40):
            commit = commit_of(put(str(number)))
            try:
                await clock.run_until(store.commit(commit))
                outcome = "ok"
            except StoreError as error:
                outcome = type(error).__name__
            outcomes.append(f"{outcome} {clock.monotonic():.6f}")
        await store.close()
        return outcomes

    first = await history(1)
    assert first == await history(1)
    assert first != await history(2)
    assert len({line.split()[0] for line in first}) == 3
