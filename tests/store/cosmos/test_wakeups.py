from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.conformance.samples import SIBLING, THREAD, put, write
from tests.store.cosmos.emulator import open_store
from tests.store.cosmos.gateway import Gateway, Sent
from understudy_server.store.cosmos import wakeups
from understudy_server.store.cosmos.store import CosmosStore
from understudy_server.store.cosmos.wakeups import new_changes
from understudy_server.store.port import MAX_NUMBER


@pytest.mark.parametrize(
    ("known", "made", "changes", "fresh"),
    [
        (None, 0, [], []),
        (None, 3, ["a", "b", "c"], None),
        (3, 3, ["a", "b", "c"], []),
        (1, 3, ["a", "b", "c"], ["b", "c"]),
        (0, 3, ["a", "b", "c"], ["a", "b", "c"]),
        (6, 9, ["a", "b"], None),
        (7, 9, ["a", "b"], ["a", "b"]),
    ],
)
def test_what_is_new(
    known: int | None, made: int, changes: Sequence[str], fresh: Sequence[str] | None
) -> None:
    assert new_changes(known, {"made": made, "changes": changes}) == fresh


async def test_a_commit_of_another_core_wakes(gateway: Gateway, store: CosmosStore) -> None:
    other = await open_store(gateway.port, store._container.id)
    with store.watch(THREAD) as watch, store.watch(None) as due:
        while await watch.wait(0.01):
            pass
        await write(other, put("a", due=5))
        assert await watch.wait(60)
        assert await due.wait(60)
    await other.close()


async def test_more_changes_than_a_signal_tells_wake_everybody(
    gateway: Gateway, store: CosmosStore
) -> None:
    other = await open_store(gateway.port, store._container.id)
    with store.watch(SIBLING) as watch:
        other._wake_ups._made += 1000
        await write(other, put("a"))
        assert await watch.wait(60)
    await other.close()


async def test_a_core_that_is_alone_signals_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "LIFE", 3600.0)

    def signals() -> int:
        return sum(is_signal(sent) for sent in gateway.sent)

    store = await open_store(gateway.port, "alone")
    for n in range(10):
        await write(store, put(f"m{n}"))
    # By then a signal would have been sent before the polls that are counted.
    polls = len(gateway.sent)
    await gateway.until(lambda: len(gateway.sent) >= polls + 5)
    assert signals() == 1
    other = await open_store(gateway.port, "alone")
    await gateway.until(lambda: signals() >= 3)
    await other.close()
    await store.close()


async def test_signals_of_one_moment_are_one(gateway: Gateway, store: CosmosStore) -> None:
    other = await open_store(gateway.port, store._container.id)
    before = len([sent for sent in gateway.sent if is_signal(sent)])
    with store.watch(THREAD) as watch:
        await asyncio.gather(*(write(other, put(f"m{n}")) for n in range(30)))
        assert await watch.wait(60)
    after = len([sent for sent in gateway.sent if is_signal(sent)])
    assert after - before < 30
    await other.close()


def is_signal(sent: Sent) -> bool:
    key = sent.headers.get("x-ms-documentdb-partitionkey")
    return sent.what == "write" and key == '["signals"]'


async def test_a_core_that_ends_takes_its_signal_along(
    gateway: Gateway, store: CosmosStore
) -> None:
    other = await open_store(gateway.port, store._container.id)
    assert len(await store._wake_ups._read()) == 2
    await other.close()
    assert len(await store._wake_ups._read()) == 1


async def test_only_what_somebody_follows_here_is_news(store: CosmosStore) -> None:
    followed = wakeups._hashed(THREAD).name

    def hears(made: int, change: str) -> bool:
        return store._wake_ups._hear([{"id": "s.other", "made": made, "changes": [change]}])

    assert not hears(0, "")
    assert not hears(1, followed)
    assert not hears(2, f"{followed}!")
    with store.watch(THREAD):
        assert hears(3, followed)
        assert not hears(4, "somebody else")
    with store.watch(None):
        assert hears(5, f"{followed}!")
        assert not hears(6, followed)
    assert hears(99, followed), "what was missed may concern anybody"


async def test_only_what_is_due_now_is_told_as_due(store: CosmosStore) -> None:
    for due, mark in ((None, False), (5, True), (MAX_NUMBER, False)):
        await write(store, put(f"due {due}", due=due))
        assert store._wake_ups._changes[-1].endswith("!") is mark
