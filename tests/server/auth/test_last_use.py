"""When keys were last used: seldom written, by no request, whoever else writes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.clock import FakeClock
from tests.store.counting import CountingStore
from understudy_server.auth.authenticator import KeyAuthenticator
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.last_use import LastUse
from understudy_server.errors import StoreUnavailable
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Version


class Store(CountingStore):
    away = False

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        if self.away:
            raise StoreUnavailable("away")
        return await super().commit(commit)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(MemoryStore(clock))


@pytest.fixture
async def uses(store: Store, clock: FakeClock) -> AsyncIterator[LastUse]:
    uses = LastUse(store, clock)
    uses.start()
    yield uses
    await uses.stop()


async def test_a_use_is_written_at_most_once_a_minute(
    store: Store, clock: FakeClock, uses: LastUse
) -> None:
    keys = ApiKeys(store=store, clock=clock)
    authenticator = KeyAuthenticator(keys=keys, clock=clock, environment={}, uses=uses)
    text, stored = await keys.create("p", "")
    _, unused = await keys.create("p", "")
    first = store.now() // 1_000_000
    with store.trips() as trips:
        for _ in range(100):
            await authenticator.authenticate(text)
    # No request has written anything, nor waited for it.
    assert str(trips) == "1 get"
    with store.trips() as trips:
        await clock.advance(0)
    assert str(trips) == "1 commit, 1 get"
    assert await keys.uses() == {stored.id: first}
    assert unused.id not in await keys.uses()

    await clock.advance(59)
    await authenticator.authenticate(text)
    await clock.advance(0.5)
    assert await keys.uses() == {stored.id: first}
    await clock.advance(0.5)
    await authenticator.authenticate(text)
    await clock.advance(0)
    assert await keys.uses() == {stored.id: first + 60}


async def test_several_cores_write_beside_one_another(store: Store, clock: FakeClock) -> None:
    cores = [LastUse(store, clock) for _ in range(3)]
    for core in cores:
        core.note("k")
        core.start()
    await clock.advance(0)
    assert await ApiKeys(store=store, clock=clock).uses() == {"k": store.now() // 1_000_000}
    for core in cores:
        await core.stop()


async def test_a_store_that_is_away_costs_one_note(
    store: Store, clock: FakeClock, uses: LastUse
) -> None:
    keys = ApiKeys(store=store, clock=clock)
    store.away = True
    uses.note("k")
    await clock.advance(60)
    store.away = False
    assert await keys.uses() == {}
    uses.note("k")
    await clock.advance(0)
    assert list(await keys.uses()) == ["k"]


async def test_revoking_and_using_do_not_disturb_each_other(
    store: Store, clock: FakeClock, uses: LastUse
) -> None:
    keys = ApiKeys(store=store, clock=clock)
    _, stored = await keys.create("p", "")
    uses.note(stored.id)
    assert (await keys.revoke(stored.id))[0].revoked
    await clock.advance(0)
    assert (await keys.list())[0].revoked
    assert list(await keys.uses()) == [stored.id]
