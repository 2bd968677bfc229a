"""Whoever makes keys with a stolen one loses the race against its revocation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.clock import FakeClock
from tests.server.auth.interrupted import Interrupted
from understudy_server.auth.authority import Authority
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.pausing import PAUSE
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.errors import InvalidApiKey, Overloaded
from understudy_server.store.port import Commit, Record, Version

ADMIN = Policy(scopes=("admin",))


class Raced(Interrupted):
    """Somebody acts after each listing too."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.listings = self.commits = 0
        self.after_list: Callable[[], Awaitable[object]] | None = None

    async def list(self, *place: Any, **rest: Any) -> Sequence[Record]:
        found = await super().list(*place, **rest)
        self.listings += 1
        if self.after_list is not None:
            await self.after_list()
        return found

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self.commits += 1
        return await super().commit(commit)


class Thief:
    """Makes a key with the last one that it made, as long as any of them makes one."""

    def __init__(self, keys: ApiKeys, stolen: StoredKey) -> None:
        self._keys = keys
        self.made = [stolen]

    async def __call__(self) -> None:
        for stored in reversed(self.made):
            try:
                made = await self._keys.create("acme", "thief", ADMIN, by(stored))
            except (InvalidApiKey, Overloaded):
                continue
            self.made.append(made[1])
            return


def by(stored: StoredKey) -> Authority:
    return Authority(project=stored.key.project, key=stored.id)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Raced:
    return Raced(clock)


@pytest.fixture
def keys(store: Raced, clock: FakeClock) -> ApiKeys:
    return ApiKeys(store=store, clock=clock)


async def test_a_thief_who_is_always_quicker_is_left_with_nothing(
    keys: ApiKeys, store: Raced, clock: FakeClock
) -> None:
    _, stolen = await keys.create("acme", "stolen", ADMIN)
    _, own = await keys.create("acme", "own", ADMIN)
    _, elsewhere = await keys.create("shop", "elsewhere", ADMIN)
    thief = Thief(keys, stolen)
    await thief()
    store.after_list = thief
    ended = await keys.revoke(stolen.id, with_created=True)
    store.after_list = None
    assert {stored.id for stored in ended} == {stored.id for stored in thief.made}
    assert len(thief.made) > 2
    found = await keys.list()
    assert {stored.key.name for stored in found if not stored.revoked} == {"own", "elsewhere"}

    # For a while nobody's key makes another in this project: not in others, and not by hand.
    with pytest.raises(Overloaded) as caught:
        await keys.create("acme", "more", by=by(own))
    assert 0 < caught.value.retry_after <= PAUSE + 1
    with pytest.raises(Overloaded):
        await keys.rotate(own.id, 0, by(own))
    await keys.create("shop", "more", by=by(elsewhere))
    await keys.create("acme", "by hand")
    await clock.advance(PAUSE + 1)
    await keys.create("acme", "more", by=by(own))
    await thief()
    assert not [each for each in await keys.list() if each.key.name == "thief" and not each.revoked]


async def test_without_a_race_there_is_no_pause(keys: ApiKeys) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, own = await keys.create("acme", "own", ADMIN)
    for _ in range(3):
        await keys.create("acme", "made", by=by(admin))
    await keys.revoke(admin.id, with_created=True)
    await keys.create("acme", "more", by=by(own))


async def test_what_has_begun_before_a_pause_is_not_done_in_it(keys: ApiKeys, store: Raced) -> None:
    _, stolen = await keys.create("acme", "stolen", ADMIN)
    _, own = await keys.create("acme", "own", ADMIN)
    thief = Thief(keys, stolen)
    await thief()

    async def revoke() -> None:
        store.after_list = thief
        await keys.revoke(stolen.id, with_created=True)
        store.after_list = None

    store.before_commit = revoke
    with pytest.raises(Overloaded):
        await keys.create("acme", "late", by=by(own))
    assert "late" not in {stored.key.name for stored in await keys.list()}


async def test_many_keys_end_with_few_commits(
    keys: ApiKeys, store: Raced, clock: FakeClock
) -> None:
    _, maker = await keys.create("acme", "admin", ADMIN)
    root = maker
    for number in range(250):
        _, maker = await keys.create("acme", str(number), ADMIN, by(maker))
        await clock.advance(1)
    store.commits = store.listings = 0
    ended = await keys.revoke(root.id, with_created=True)
    assert [stored.key.name for stored in ended] == ["admin", *map(str, range(250))]
    assert store.commits == 1 + 3
    assert store.listings == 2 * 3


async def test_one_that_changes_meanwhile_ends_all_the_same(keys: ApiKeys, store: Raced) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, one = await keys.create("acme", "one", by=by(admin))
    await keys.create("acme", "two", by=by(admin))
    times = 0

    async def rotate() -> None:
        nonlocal times
        times += 1
        if times < 4:
            await keys.rotate(one.id, 3_600)

    store.after_list = rotate
    ended = await keys.revoke(admin.id, with_created=True)
    assert {stored.key.name for stored in ended} == {"admin", "one", "two"}
    assert all(stored.revoked for stored in ended)


async def test_one_whose_key_ends_meanwhile_ends_no_more_keys(keys: ApiKeys, store: Raced) -> None:
    _, other = await keys.create("acme", "other", ADMIN)
    _, admin = await keys.create("acme", "admin", ADMIN)
    await keys.create("acme", "made", by=by(other))

    async def revoke() -> None:
        store.after_list = None
        await keys.revoke(admin.id)

    store.after_list = revoke
    with pytest.raises(InvalidApiKey):
        await keys.revoke(other.id, by(admin), with_created=True)
    assert {each.key.name for each in await keys.list() if not each.revoked} == {"made"}


async def test_a_key_that_the_store_has_forgotten_does_nothing(keys: ApiKeys) -> None:
    with pytest.raises(InvalidApiKey):
        await keys.create("acme", "made", by=Authority(project="acme", key="0" * 64))
    assert await keys.list() == []
