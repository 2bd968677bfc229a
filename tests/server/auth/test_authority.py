"""Keys that manage the keys of their project, and what is left of that when they end."""

from __future__ import annotations

from functools import partial

import pytest

from tests.clock import FakeClock
from tests.server.auth.interrupted import Interrupted
from understudy_server.auth.authority import Authority
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.records import KEY, KEYS
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.errors import InvalidApiKey, NotFound
from understudy_server.store.port import Check, Commit, Put, Version
from understudy_server.store.v1.records_pb2 import ApiKey

ADMIN = Policy(scopes=("admin",))


class Store(Interrupted):
    """Keeps the commits that come."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.commits: list[Commit] = []

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self.commits.append(commit)
        return await super().commit(commit)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(clock)


@pytest.fixture
def keys(store: Store, clock: FakeClock) -> ApiKeys:
    return ApiKeys(store=store, clock=clock)


def by(stored: StoredKey) -> Authority:
    return Authority(project=stored.key.project, key=stored.id)


async def good(keys: ApiKeys) -> set[str]:
    """The names of the keys that open something."""
    return {stored.key.name for stored in await keys.list() if stored.is_good(keys.now())}


async def test_whose_decision_a_key_was_is_kept(keys: ApiKeys) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    assert admin.key.created_by == ""
    _, made = await keys.create("acme", "made", by=by(admin))
    assert made.key.created_by == admin.id
    _, replacement, _ = await keys.rotate(made.id, 0, by(admin))
    assert replacement.key.created_by == admin.id
    # Only who replaced it has its text.
    _, another, _ = await keys.rotate(replacement.id, 0)
    assert another.key.created_by == ""


@pytest.mark.parametrize("act", ["create", "rotate", "revoke"])
@pytest.mark.parametrize("end", ["revoked", "expired", "replaced"])
async def test_nothing_is_done_for_a_key_that_has_ended(
    keys: ApiKeys, clock: FakeClock, act: str, end: str
) -> None:
    _, admin = await keys.create("acme", "admin", Policy(scopes=("admin",), lifetime=60))
    _, other = await keys.create("acme", "other")
    if end == "revoked":
        await keys.revoke(admin.id)
    elif end == "replaced":
        await keys.rotate(admin.id, 0)
    else:
        await clock.advance(60)
    before = await keys.list()
    with pytest.raises(
        InvalidApiKey, match=r"^Incorrect API key provided: sk-understudy-....\.\.\."
    ):
        await _act(keys, act, other, by(admin))
    assert await keys.list() == before


@pytest.mark.parametrize("act", ["create", "rotate", "revoke"])
async def test_a_key_that_ends_at_the_very_moment(keys: ApiKeys, store: Store, act: str) -> None:
    """It was good when the call began: the commit itself finds that it is not any more."""
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, other = await keys.create("acme", "other")
    store.before_commit = partial(keys.revoke, admin.id)
    with pytest.raises(InvalidApiKey):
        await _act(keys, act, other, by(admin))
    assert await good(keys) == {"other"}


async def _act(keys: ApiKeys, act: str, other: StoredKey, by: Authority) -> None:
    if act == "create":
        await keys.create("acme", "made", by=by)
    elif act == "rotate":
        await keys.rotate(other.id, 0, by)
    else:
        await keys.revoke(other.id, by)


async def test_a_key_that_changes_at_the_moment_but_stays_good_goes_on(
    keys: ApiKeys, store: Store
) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    store.before_commit = partial(keys.rotate, admin.id, 3_600)
    await keys.create("acme", "made", by=by(admin))
    assert await good(keys) == {"admin", "made"}
    assert len(await keys.list()) == 3


async def test_a_key_of_the_configuration_is_not_looked_for(keys: ApiKeys, store: Store) -> None:
    await keys.create("acme", "made", by=Authority(project="acme", key="0" * 16))
    checks = [each for each in store.commits[-1].operations if isinstance(each, Check)]
    assert [check.kind for check in checks] == ["key-pause"]


async def test_a_key_manages_itself(keys: ApiKeys) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, second, old = await keys.rotate(admin.id, 60, by(admin))
    assert old.id == admin.id
    (ended,) = await keys.revoke(second.id, by(second))
    assert ended.revoked
    with pytest.raises(InvalidApiKey):
        await keys.revoke(admin.id, by(second))


async def test_other_projects_have_no_keys(keys: ApiKeys) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, other = await keys.create("shop", "other")
    for project, stored in (("acme", admin), ("shop", other)):
        page = await keys.page(project, low=None, high=None, descending=False, limit=9)
        assert page == [stored.record]
    for act in ("rotate", "revoke"):
        with pytest.raises(NotFound):
            await _act(keys, act, other, by(admin))
    assert await good(keys) == {"admin", "other"}


async def test_revoking_a_key_with_all_that_came_of_it(keys: ApiKeys, clock: FakeClock) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    await keys.create("acme", "bystander")
    _, child = await keys.create("acme", "child", ADMIN, by(admin))
    _, grandchild = await keys.create("acme", "grandchild", ADMIN, by(child))
    await keys.create("acme", "great", by=by(grandchild))
    # They are listed by their age.
    await clock.advance(1)
    await keys.rotate(child.id, 3_600, by(grandchild))
    ended = await keys.revoke(admin.id, by(admin), with_created=True)
    assert [stored.key.name for stored in ended] == [
        "admin",
        "child",
        "grandchild",
        "great",
        "child",
    ]
    assert all(stored.revoked for stored in ended)
    assert await good(keys) == {"bystander"}
    # Again, by somebody whose key is good, it says the same.
    assert {stored.id for stored in await keys.revoke(admin.id, with_created=True)} == {
        stored.id for stored in ended
    }


async def test_a_key_that_has_ended_ends_nothing_by_way_of_one_that_has_ended_too(
    keys: ApiKeys,
) -> None:
    """Nothing would be written for the first of them, so nothing would be checked with a write."""
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, other = await keys.create("acme", "other", ADMIN)
    await keys.create("acme", "made", by=by(other))
    await keys.revoke(other.id)
    await keys.revoke(admin.id)
    with pytest.raises(InvalidApiKey):
        await keys.revoke(other.id, by(admin), with_created=True)
    assert await good(keys) == {"made"}


async def test_a_key_is_known_by_its_whole_id_only(keys: ApiKeys) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    _, other = await keys.create("acme", "other")
    for which in (other.key_id, other.key.hint, ""):
        with pytest.raises(NotFound):
            await keys.revoke(which, by(admin))


async def test_a_page_of_a_project_among_many_keys_of_others(
    keys: ApiKeys, clock: FakeClock
) -> None:
    own = []
    for number in range(230):
        _, stored = await keys.create("acme" if number % 90 == 0 else "other", str(number))
        own += [stored.record] if number % 90 == 0 else []
        await clock.advance(1)
    page = partial(keys.page, "acme", low=None, high=None)
    assert await page(descending=False, limit=9) == own
    assert await page(descending=True, limit=9) == own[::-1]
    assert await page(descending=False, limit=2) == own[:2]
    assert await page(descending=True, limit=2) == own[:0:-1]
    between = {"low": own[0].position, "high": own[2].position}
    for descending in (False, True):
        found = await keys.page("acme", descending=descending, limit=9, **between)
        assert found == [own[1]]


async def test_a_key_that_is_made_while_its_maker_ends_ends_as_well(
    keys: ApiKeys, store: Store
) -> None:
    _, admin = await keys.create("acme", "admin", ADMIN)
    store.before_commit = partial(keys.create, "acme", "late", by=by(admin))
    await keys.revoke(admin.id, with_created=True)
    assert {stored.key.name for stored in await keys.list()} == {"admin", "late"}
    assert await good(keys) == set()


async def test_a_key_that_names_itself_as_its_maker_ends_once(keys: ApiKeys, store: Store) -> None:
    """No key does; a loop in what is stored must not become one here."""
    _, one = await keys.create("acme", "one")
    _, two = await keys.create("acme", "two", by=by(one))
    loop = ApiKey()
    loop.CopyFrom(one.key)
    loop.created_by = two.id
    put = Put(
        kind=KEY,
        id=one.id,
        expected=one.record.version,
        order=one.record.order,
        body=loop.SerializeToString(),
    )
    await store.commit(Commit(id="loop", partition=KEYS, operations=(put,)))
    ended = await keys.revoke(one.id, with_created=True)
    assert [stored.key.name for stored in ended] == ["one", "two"]
