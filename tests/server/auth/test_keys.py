"""Making, listing, revoking and recognizing keys, on the memory store."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from tests.clock import FakeClock
from tests.server.auth.interrupted import Interrupted
from understudy_server.auth.authenticator import KeyAuthenticator, OpenAccess
from understudy_server.auth.bootstrap import bootstrap
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.making import key_hash
from understudy_server.auth.principal import Principal
from understudy_server.auth.records import KEYS
from understudy_server.errors import (
    Conflict,
    InvalidApiKey,
    InvalidRequest,
    MissingApiKey,
    NotFound,
    StoreUnavailable,
)
from understudy_server.store.port import Commit, Partition, Record, Version


class CountingStore(Interrupted):
    """Counts reads, and can be away."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.reads = 0
        self.away = False
        self.conflicts = 0

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("away")
        return await super().get(partition, kind, id, fresh=fresh)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        try:
            return await super().commit(commit)
        except Conflict:
            self.conflicts += 1
            raise


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> CountingStore:
    return CountingStore(clock)


@pytest.fixture
def keys(store: CountingStore, clock: FakeClock) -> ApiKeys:
    return ApiKeys(store=store, clock=clock)


def _authenticator(keys: ApiKeys, clock: FakeClock, **environment: str) -> KeyAuthenticator:
    hashes = {key_hash(key): project for key, project in environment.items()}
    return KeyAuthenticator(keys=keys, clock=clock, environment=hashes, capacity=2)


async def test_a_new_key(keys: ApiKeys, store: CountingStore) -> None:
    text, stored = await keys.create("acme", "laptop")
    assert re.fullmatch(r"sk-understudy-[A-Za-z0-9_-]{43}", text)
    assert stored.id == key_hash(text) == stored.key.hash.hex()
    assert (stored.key.project, stored.key.name) == ("acme", "laptop")
    assert stored.key.created_at == store.now() // 1_000_000
    assert stored.key.hint == f"{text[:18]}...{text[-4:]}"
    assert not stored.revoked
    assert await keys.list() == [stored]
    record = await store.get(KEYS, "key", stored.id)
    assert record == stored.record
    assert record is not None
    assert text.encode() not in record.body


async def test_listing_more_than_a_page(keys: ApiKeys, clock: FakeClock) -> None:
    made = []
    for number in range(230):
        made.append((await keys.create("p", str(number)))[1])
        await clock.advance(1)
    assert await keys.list() == made


async def test_recognizing(keys: ApiKeys, clock: FakeClock) -> None:
    text, stored = await keys.create("acme", "laptop")
    principal = await _authenticator(keys, clock).authenticate(text)
    assert principal == Principal(project="acme", key_id=stored.id[:16], stored_id=stored.id)


@pytest.mark.parametrize("key", [None, ""])
async def test_no_key(keys: ApiKeys, clock: FakeClock, key: str | None) -> None:
    with pytest.raises(MissingApiKey, match=r"^You didn't provide an API key"):
        await _authenticator(keys, clock).authenticate(key)


@pytest.mark.parametrize("key", ["sk-understudy-wrong", "\udcff not text"])
async def test_a_wrong_key(keys: ApiKeys, clock: FakeClock, key: str) -> None:
    await keys.create("acme", "laptop")
    with pytest.raises(InvalidApiKey, match=r"^Incorrect API key provided: "):
        await _authenticator(keys, clock).authenticate(key)


async def test_keys_of_the_environment(
    keys: ApiKeys, clock: FakeClock, store: CountingStore
) -> None:
    authenticator = _authenticator(keys, clock, secret="acme")
    assert (await authenticator.authenticate("secret")).project == "acme"
    assert store.reads == 0


async def test_a_good_key_is_remembered_for_a_while(
    keys: ApiKeys, clock: FakeClock, store: CountingStore
) -> None:
    authenticator = _authenticator(keys, clock)
    text, _ = await keys.create("acme", "laptop")
    for _ in range(10):
        await authenticator.authenticate(text)
    assert store.reads == 1
    await clock.advance(5)
    await authenticator.authenticate(text)
    assert store.reads == 2


async def test_a_slow_store_makes_nobody_be_remembered_longer(clock: FakeClock) -> None:
    class Slow(CountingStore):
        async def get(self, *key: Any, **options: Any) -> Record | None:
            found = await super().get(*key, **options)
            await clock.advance(4)
            return found

    store = Slow(clock)
    keys = ApiKeys(store=store, clock=clock)
    text, _ = await keys.create("acme", "laptop")
    authenticator = _authenticator(keys, clock)
    await authenticator.authenticate(text)
    await authenticator.authenticate(text)
    assert store.reads == 1
    await clock.advance(1)
    await authenticator.authenticate(text)
    assert store.reads == 2


async def test_few_keys_are_remembered_and_no_wrong_ones(
    keys: ApiKeys, clock: FakeClock, store: CountingStore
) -> None:
    authenticator = _authenticator(keys, clock)
    texts = [(await keys.create("p", str(number)))[0] for number in range(3)]
    for text in texts:
        await authenticator.authenticate(text)
    assert store.reads == 3
    for number in range(10):
        with pytest.raises(InvalidApiKey):
            await authenticator.authenticate(str(number))
    before = store.reads
    await authenticator.authenticate(texts[2])
    await authenticator.authenticate(texts[1])
    assert store.reads == before
    await authenticator.authenticate(texts[0])
    assert store.reads == before + 1


async def test_a_revoked_key_dies_within_seconds(keys: ApiKeys, clock: FakeClock) -> None:
    authenticator = _authenticator(keys, clock)
    text, stored = await keys.create("acme", "laptop")
    await authenticator.authenticate(text)
    (revoked,) = await keys.revoke(stored.id[:12])
    assert revoked.revoked
    await clock.advance(5)
    for _ in range(2):
        with pytest.raises(InvalidApiKey):
            await authenticator.authenticate(text)
    assert await keys.list() == [revoked]


async def test_revoking_by_hint_and_twice(keys: ApiKeys) -> None:
    _, stored = await keys.create("acme", "laptop")
    _, other = await keys.create("acme", "phone")
    first = await keys.revoke(stored.key.hint)
    assert await keys.revoke(stored.key.hint) == first
    assert [key.revoked for key in await keys.list()] == [
        key.id == stored.id for key in await keys.list()
    ]
    assert not other.revoked


async def test_revoking_what_is_not_clear(keys: ApiKeys) -> None:
    stored = [(await keys.create("p", str(number)))[1] for number in range(40)]
    for which in ("", "nothing"):
        with pytest.raises(NotFound):
            await keys.revoke(which)
    letters = [key.id[0] for key in stored]
    double = next(letter for letter in letters if letters.count(letter) > 1)
    with pytest.raises(InvalidRequest, match="Give more of the id"):
        await keys.revoke(double)


async def test_two_who_revoke_at_once(keys: ApiKeys, store: CountingStore) -> None:
    _, stored = await keys.create("acme", "laptop")
    store.before_commit = partial(keys.revoke, stored.id)
    assert [key.revoked for key in await keys.revoke(stored.id)] == [True]
    assert store.conflicts == 1


async def test_a_store_that_is_away_is_not_the_callers_fault(
    keys: ApiKeys, clock: FakeClock, store: CountingStore
) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        await _authenticator(keys, clock).authenticate("sk-any")


async def test_bootstrap(keys: ApiKeys, clock: FakeClock) -> None:
    assert await bootstrap(keys, {"hash": "p"}) is None
    text = await bootstrap(keys, {})
    assert text is not None
    assert (await _authenticator(keys, clock).authenticate(text)).project == "default"
    assert await bootstrap(keys, {}) is None
    await keys.revoke((await keys.list())[0].id)
    assert await bootstrap(keys, {}) is None


async def test_open_access() -> None:
    for key in (None, "anything"):
        assert await OpenAccess().authenticate(key) == Principal(project="default", key_id="")
