"""``settle``: a table of scripted answers, and its promise over a hostile store."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import TypeAlias

import pytest

from tests.clock import FakeClock
from tests.conformance.samples import THREAD, append, check, commit_of, entry, put, write_one
from tests.store.hostile import LATEST, HostileStore, Rates
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.commits import settle
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import LOG_START, Commit, Partition, Record, Store, Version
from understudy_server.store.sqlite import SqliteStore

Word: TypeAlias = str
"""What one call to the store comes to:

refuse    StoreUnavailable          drop    OutcomeUnknown, not applied
ok        passed on                 lose    passed on, but always answered OutcomeUnknown
stolen    somebody else commits to the head first, then passed on
"""


class ScriptedStore(MemoryStore):
    """Answers commits by a script; when it has ended, honestly."""

    def __init__(self, script: Sequence[Word], clock: FakeClock) -> None:
        super().__init__(clock)
        self.script = list(script)
        self.tries: list[Commit] = []
        self.unreadable = 0
        """So many reads fail first."""

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self.tries.append(commit)
        word = self.script.pop(0) if self.script else "ok"
        if word == "refuse":
            raise StoreUnavailable(word)
        if word == "drop":
            raise OutcomeUnknown(word)
        if word == "stolen":
            await self.overwrite_head()
        if word == "lose":
            with suppress(Conflict):
                await super().commit(commit)
            raise OutcomeUnknown(word)
        return await super().commit(commit)

    async def overwrite_head(self) -> None:
        head = await super().get(THREAD, "head", "")
        expected = head.version if head else None
        await super().commit(commit_of(put("", expected, kind="head", body=b"thief")))

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        assert fresh, "a decision after a conflict needs a fresh read"
        if self.unreadable:
            self.unreadable -= 1
            raise StoreUnavailable("unreadable")
        return await super().get(partition, kind, id, fresh=fresh)


async def _scripted(script: str) -> tuple[ScriptedStore, Commit, FakeClock]:
    """A store whose head exists, and a commit that adds a message to it."""
    clock = FakeClock()
    store = ScriptedStore(script.split(), clock)
    (version,) = await MemoryStore.commit(store, commit_of(put("", kind="head")))
    return store, commit_of(check("x", None), put("", version, kind="head"), put("m")), clock


@pytest.mark.parametrize(
    ("script", "outcome", "tries"),
    [
        ("ok", "happened", 1),
        ("refuse ok", "happened", 2),
        ("drop ok", "happened", 2),
        ("lose ok", "happened", 2),
        ("lose drop refuse ok", "happened", 4),
        ("drop refuse lose lose lose", "happened", 6),
        ("stolen", "Conflict", 1),
        ("drop stolen", "Conflict", 2),
        ("refuse stolen", "Conflict", 2),
        ("lose stolen", "Conflict", 2),  # documented: head is overwritten, look for your own record
        ("refuse " * 99, "StoreUnavailable", None),
        ("drop " * 99, "OutcomeUnknown", None),
        ("lose" + " refuse" * 99, "OutcomeUnknown", None),
        ("drop" + " refuse" * 99, "OutcomeUnknown", None),
    ],
)
async def test_what_it_comes_to(script: str, outcome: str, tries: int | None) -> None:
    store, commit, clock = await _scripted(script)
    errors = {"Conflict": Conflict, "OutcomeUnknown": OutcomeUnknown}
    if outcome == "happened":
        versions = await clock.run_until(settle(store, commit, clock))
        head = await store.get(THREAD, "head", "", fresh=True)
        message = await store.get(THREAD, "message", "m", fresh=True)
        assert head is not None
        assert message is not None
        assert versions == (None, head.version, message.version)
    else:
        with pytest.raises(errors.get(outcome, StoreUnavailable)):
            await clock.run_until(settle(store, commit, clock))
    assert tries is None or len(store.tries) == tries
    assert all(repeated is commit for repeated in store.tries)


async def test_patience_ends_on_time() -> None:
    for patience in (0, 1, 7.5):
        store, commit, clock = await _scripted("drop " * 999)
        with pytest.raises(OutcomeUnknown):
            await clock.run_until(settle(store, commit, clock, patience=patience))
        assert patience - 1 <= clock.monotonic() <= patience
        assert len(store.tries) >= 1


async def test_endless_patience() -> None:
    store, commit, clock = await _scripted("drop refuse " * 2000)
    await clock.run_until(settle(store, commit, clock, patience=math.inf))
    assert len(store.tries) == 4001


async def test_a_record_overwritten_since_has_no_version() -> None:
    store, commit, clock = await _scripted("lose")
    task = asyncio.create_task(settle(store, commit, clock))
    await clock.advance(0)
    message = await store.get(THREAD, "message", "m", fresh=True)
    assert message is not None
    await MemoryStore.commit(store, commit_of(put("m", message.version, body=b"edited")))
    versions = await clock.run_until(_result(task))
    head = await store.get(THREAD, "head", "", fresh=True)
    assert head is not None
    assert versions == (None, head.version, None)


async def test_a_read_that_fails_after_a_conflict_is_tried_again() -> None:
    store, commit, clock = await _scripted("lose")
    store.unreadable = 3
    versions = await clock.run_until(settle(store, commit, clock))
    assert versions[1] is not None


async def test_a_conflict_that_nobody_can_look_into_is_unknown() -> None:
    store, commit, clock = await _scripted("stolen")
    store.unreadable = 999
    with pytest.raises(OutcomeUnknown):
        await clock.run_until(settle(store, commit, clock))


async def test_a_second_call_finds_the_success_of_the_first() -> None:
    store, commit, clock = await _scripted("lose")
    with pytest.raises(OutcomeUnknown):
        await settle(store, commit, clock, patience=0)
    assert (await clock.run_until(settle(store, commit, clock)))[1] is not None


async def test_without_a_put_a_conflict_is_a_conflict() -> None:
    store, _, clock = await _scripted("lose")
    with pytest.raises(Conflict):
        await clock.run_until(settle(store, commit_of(append(entry((1, 1)))), clock))


async def _result(task: asyncio.Task[tuple[Version | None, ...]]) -> tuple[Version | None, ...]:
    return await task


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("backend", ["memory", "sqlite"])
async def test_over_a_hostile_store(
    backend: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Writers add to one thread; what they believe is what happened, once and in order."""
    clock = FakeClock()
    inner: Store = MemoryStore(clock)
    if backend == "sqlite":
        inner = await SqliteStore.open(tmp_path_factory.mktemp("store") / "store.db", clock)
    rates = Rates(refuse=0.1, drop=0.1, late=0.1, lose=0.15)
    store = HostileStore(inner, Random(seed), clock, rates)
    await write_one(inner, put("", kind="head", order=0))
    acknowledged: list[str] = []

    async def add(id: str) -> None:
        while True:
            head = await store.get(THREAD, "head", "", fresh=True)
            assert head is not None
            if await store.get(THREAD, "message", id, fresh=True) is not None:
                break  # an earlier try had succeeded and was overwritten in head since
            order = head.order + 1
            commit = commit_of(
                put("", head.version, kind="head", order=order),
                put(id, order=order),
                append(entry((1, order), body=id.encode())),
            )
            try:
                await settle(store, commit, clock, patience=math.inf)
            except Conflict:
                continue
            break
        acknowledged.append(id)

    async def writer(number: int) -> None:
        for message in range(6):
            await add(f"{number}.{message}")

    async def everything() -> None:
        await asyncio.gather(*(writer(number) for number in range(4)))
        await clock.sleep(2 * LATEST)

    await clock.run_until(everything())
    messages = await inner.list(THREAD, "message", limit=100)
    events = await inner.read(THREAD, "run_1", LOG_START, 100)
    assert sorted(record.id for record in messages) == sorted(acknowledged)
    assert len(set(acknowledged)) == len(acknowledged) == 24
    assert [record.order for record in messages] == list(range(1, 25))
    assert [found.body.decode() for found in events] == [record.id for record in messages]
    await store.close()
