"""Keys that expire, and keys that replace one another."""

from __future__ import annotations

from functools import partial

import pytest

from tests.clock import FakeClock
from tests.server.auth.interrupted import Interrupted
from understudy_server.auth.authenticator import KeyAuthenticator
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.records import KEYS
from understudy_server.auth.scopes import SCOPES
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.errors import InvalidApiKey, InvalidRequest, NotFound, StateConflict
from understudy_server.limits.key_limits import UNLIMITED, KeyLimits

DAY = 86_400
STRICT = Policy(
    scopes=("read", "run"),
    lifetime=30 * DAY,
    limits=KeyLimits(
        requests_per_minute=60, concurrent_runs=2, tokens_per_day=1_000, models=("a", "b/c")
    ),
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Interrupted:
    return Interrupted(clock)


@pytest.fixture
def keys(store: Interrupted, clock: FakeClock) -> ApiKeys:
    return ApiKeys(store=store, clock=clock)


@pytest.fixture
def authenticator(keys: ApiKeys, clock: FakeClock) -> KeyAuthenticator:
    return KeyAuthenticator(keys=keys, clock=clock, environment={})


async def test_what_a_key_may_do_is_told_with_whose_it_is(
    keys: ApiKeys, authenticator: KeyAuthenticator
) -> None:
    text, stored = await keys.create("acme", "laptop", STRICT)
    principal = await authenticator.authenticate(text)
    assert principal.project == "acme"
    assert principal.scopes == {"read", "run"}
    assert principal.limits == STRICT.limits
    assert principal.budget == principal.key_id == stored.id[:16]


async def test_a_key_of_which_nothing_is_said_may_do_everything_but_manage_keys(
    keys: ApiKeys, authenticator: KeyAuthenticator
) -> None:
    text, _ = await keys.create("acme", "laptop")
    principal = await authenticator.authenticate(text)
    assert principal.scopes == {"read", "write", "run"}
    assert (principal.limits, principal.budget) == (UNLIMITED, "")


async def test_a_scope_of_a_later_version_is_none(
    keys: ApiKeys, authenticator: KeyAuthenticator
) -> None:
    text, _ = await keys.create("acme", "laptop", Policy(scopes=("later",)))
    assert not (await authenticator.authenticate(text)).scopes & set(SCOPES)


async def test_a_key_expires_to_the_second(
    keys: ApiKeys, authenticator: KeyAuthenticator, clock: FakeClock
) -> None:
    text, stored = await keys.create("acme", "", Policy(lifetime=62))
    assert stored.key.expires_at == stored.key.created_at + 62
    await clock.advance(61)
    await authenticator.authenticate(text)
    # It is remembered for five seconds, but not beyond its end.
    await clock.advance(0.9)
    await authenticator.authenticate(text)
    await clock.advance(0.1)
    for _ in range(2):
        with pytest.raises(InvalidApiKey, match=r"^Incorrect API key provided: "):
            await authenticator.authenticate(text)
    assert len(await keys.list()) == 1


async def test_a_key_is_replaced_by_one_like_it(
    keys: ApiKeys, authenticator: KeyAuthenticator, clock: FakeClock
) -> None:
    old_text, old = await keys.create("acme", "laptop", STRICT)
    await clock.advance(10 * DAY)
    text, new, replaced = await keys.rotate(old.id[:12], 3_600)
    now = keys.now() // 1_000_000
    assert replaced.id == old.id
    assert replaced.key.expires_at == now + 3_600
    for name in ("project", "name", "scopes", "limits", "lifetime"):
        assert getattr(new.key, name) == getattr(old.key, name)
    assert (new.key.created_at, new.key.expires_at) == (now, now + 30 * DAY)
    first, second = [await authenticator.authenticate(each) for each in (old_text, text)]
    assert first.key_id != second.key_id
    # They count together, so that replacing a key is no way to more.
    assert first.budget == second.budget == old.id[:16]
    await clock.advance(3_600)
    with pytest.raises(InvalidApiKey):
        await authenticator.authenticate(old_text)
    assert (await authenticator.authenticate(text)) == second
    _, third, _ = await keys.rotate(new.id, 0)
    assert third.key.budget == old.id[:16]
    with pytest.raises(InvalidApiKey):
        await authenticator.authenticate(old_text)


async def test_without_overlap_the_old_key_ends_within_seconds(
    keys: ApiKeys, authenticator: KeyAuthenticator, clock: FakeClock
) -> None:
    text, old = await keys.create("acme", "")
    await authenticator.authenticate(text)
    await keys.rotate(old.id, 0)
    await clock.advance(5)
    with pytest.raises(InvalidApiKey):
        await authenticator.authenticate(text)


async def test_a_key_that_ends_sooner_than_the_overlap_ends_then(keys: ApiKeys) -> None:
    _, old = await keys.create("acme", "", Policy(lifetime=100))
    _, _, replaced = await keys.rotate(old.id, 3_600)
    assert replaced.key.expires_at == old.key.expires_at


async def test_what_cannot_be_replaced(keys: ApiKeys, clock: FakeClock) -> None:
    _, revoked = await keys.create("acme", "")
    await keys.revoke(revoked.id)
    _, expired = await keys.create("acme", "", Policy(lifetime=1))
    await clock.advance(1)
    for stored in (revoked, expired):
        with pytest.raises(StateConflict, match="is good no more; create another"):
            await keys.rotate(stored.id, 0)
    with pytest.raises(NotFound):
        await keys.rotate("nothing", 0)
    assert len(await keys.list()) == 2


async def test_two_who_replace_one_key_at_once_each_get_a_good_one(
    keys: ApiKeys, store: Interrupted, authenticator: KeyAuthenticator
) -> None:
    _, old = await keys.create("acme", "")
    store.before_commit = partial(keys.rotate, old.id, 100)
    text, new, replaced = await keys.rotate(old.id, 3_600)
    assert (await authenticator.authenticate(text)).key_id == new.id[:16]
    listed = await keys.list()
    assert len(listed) == 3
    assert replaced.key.expires_at == keys.now() // 1_000_000 + 100
    assert len(await store.list(KEYS, "key", limit=9)) == 3


@pytest.mark.parametrize("lifetime", [0, 50])
async def test_how_long_a_key_is_good(keys: ApiKeys, lifetime: int) -> None:
    _, stored = await keys.create("acme", "", Policy(lifetime=lifetime))
    assert _left(stored, 0) == (50 if lifetime else None)
    assert _left(stored, 60) == (-10 if lifetime else None)


def _left(stored: StoredKey, seconds: int) -> float | None:
    return stored.good_for((stored.key.created_at + seconds) * 1_000_000)


async def test_an_id_that_fits_several_replaces_none(keys: ApiKeys) -> None:
    for _ in range(40):
        await keys.create("acme", "")
    letters = [stored.id[0] for stored in await keys.list()]
    double = next(letter for letter in letters if letters.count(letter) > 1)
    with pytest.raises(InvalidRequest, match="Give more of the id"):
        await keys.rotate(double, 0)
    assert len(await keys.list()) == 40
