"""What the backend makes of a service that throttles, refuses, goes away, or does not answer."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.samples import (
    THREAD,
    append,
    check,
    commit_of,
    drop,
    entry,
    put,
    write,
    write_one,
)
from tests.store.cosmos import gateway as mishaps
from tests.store.cosmos.emulator import KEY, open_store
from tests.store.cosmos.gateway import Gateway, Sent
from understudy_server.clock import SystemClock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable, Unsent
from understudy_server.store.commits import settle
from understudy_server.store.cosmos import commits, sending
from understudy_server.store.cosmos.store import CosmosStore
from understudy_server.store.port import LOG_START


def batches(sent: Sent) -> bool:
    return sent.what == "batch"


@pytest.mark.parametrize("status", [429, 449], ids=str)
async def test_being_throttled_is_waited_for(
    store: CosmosStore, gateway: Gateway, status: int
) -> None:
    gateway.misbehave(mishaps.throttle(30, status), times=3)
    await write(store, put("a"))
    assert [each.what for each in gateway.of_items()] == ["batch"] * 4
    gateway.misbehave(mishaps.throttle(None, status), times=2)
    assert await store.get(THREAD, "message", "a") is not None


async def test_a_hint_beyond_the_deadline_is_not_waited_for(
    store: CosmosStore, gateway: Gateway
) -> None:
    beyond = mishaps.throttle(int(sending.TIMEOUT * 1000))
    gateway.misbehave(beyond)
    with pytest.raises(StoreUnavailable, match="throughput"):
        await write(store, put("a"))
    gateway.misbehave(beyond)
    with pytest.raises(StoreUnavailable, match="throughput"):
        await store.list(THREAD, None, limit=1)
    assert await store.list(THREAD, None, limit=1) == []


async def test_a_throttled_operation_of_a_batch(store: CosmosStore, gateway: Gateway) -> None:
    gateway.misbehave(mishaps.fail_operation(1, 429))
    await write(store, put("a"), put("b"))
    assert [each.what for each in gateway.of_items()] == ["batch"] * 2


@pytest.mark.parametrize("status", [408, 500, 503], ids=str)
async def test_an_answer_that_leaves_doubt(
    store: CosmosStore, gateway: Gateway, status: int
) -> None:
    gateway.misbehave(mishaps.refuse(status), times=2)
    with pytest.raises(OutcomeUnknown):
        await write(store, put("a"))
    with pytest.raises(StoreUnavailable):
        await store.get(THREAD, "message", "a")
    assert len(gateway.of_items()) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 413], ids=str)
async def test_a_refusal_is_told_in_its_words(
    store: CosmosStore, gateway: Gateway, status: int
) -> None:
    gateway.misbehave(mishaps.refuse(status, "because of this"))
    with pytest.raises(StoreUnavailable, match=f"{status} because of this") as caught:
        await write(store, put("a"))
    assert len(str(caught.value)) < 100


async def test_an_operation_that_is_refused(store: CosmosStore, gateway: Gateway) -> None:
    gateway.misbehave(mishaps.fail_operation(0, 413))
    with pytest.raises(StoreUnavailable, match="refused"):
        await write(store, put("a"))


@pytest.mark.parametrize("done", [False, True], ids=str)
async def test_a_lost_connection_leaves_doubt_that_a_repeat_ends(
    store: CosmosStore, gateway: Gateway, done: bool
) -> None:
    version = await write_one(store, put("head", kind="head"))
    commit = commit_of(put("head", version, kind="head"), put("a"), append(entry((1, 1))))
    gateway.misbehave(mishaps.lose_answer if done else mishaps.lose_request)
    with pytest.raises(OutcomeUnknown):
        await store.commit(commit)
    versions = await settle(store, commit, SystemClock())
    head = await store.get(THREAD, "head", "head", fresh=True)
    assert head is not None
    assert (head.version, head.commit) == (versions[0], commit.id)
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1


async def test_an_answer_that_does_not_come(
    store: CosmosStore, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = await write_one(store, put("a"))
    released = asyncio.Event()
    gateway.misbehave(mishaps.hold_answer(released))
    monkeypatch.setattr(commits, "TIMEOUT", 0.2)
    commit = commit_of(put("a", version))
    with pytest.raises(OutcomeUnknown, match="seconds"):
        await store.commit(commit)
    monkeypatch.undo()
    released.set()
    assert (await settle(store, commit, SystemClock()))[0] is not None


async def test_nobody_is_there() -> None:
    with pytest.raises(StoreUnavailable, match="does not open"):
        await open_store(1, "c")


async def test_a_wrong_key_is_told_and_not_shown(gateway: Gateway) -> None:
    gateway.misbehave(mishaps.refuse(401, "wrong signature"), times=9, where=lambda _: True)
    with pytest.raises(StoreUnavailable, match=r"does not open: .* 401 wrong signature") as caught:
        await open_store(gateway.port, "c")
    assert KEY not in str(caught.value)


async def test_a_container_that_was_removed_is_no_missing_record(
    store: CosmosStore, gateway: Gateway
) -> None:
    await write(store, put("a"))
    await store._client.get_database_client("test").delete_container(store._container.id)
    with pytest.raises(StoreUnavailable):
        await store.get(THREAD, "message", "a")
    with pytest.raises(StoreUnavailable):
        await write(store, put("b"))
    with pytest.raises(StoreUnavailable):
        await store.list(THREAD, None, limit=9)


async def test_a_service_that_goes_away_has_done_nothing(
    gateway: Gateway, cosmos_port: int
) -> None:
    store = await open_store(gateway.port, "goes_away")
    await gateway.__aexit__()
    with pytest.raises(Unsent):
        await write(store, put("a"))
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await store.close()


async def test_a_check_changes_the_etag_and_not_the_version(store: CosmosStore) -> None:
    version = await write_one(store, put("head", kind="head"))
    for _ in range(3):
        await write(store, check("head", version, kind="head"))
    head = await store.get(THREAD, "head", "head", fresh=True)
    assert head is not None
    assert head.version == version
    second = await write_one(store, put("head", version, kind="head"))
    assert second != version
    with pytest.raises(Conflict):
        await write(store, check("head", version, kind="head"))


async def test_checks_of_one_moment_all_hold(store: CosmosStore) -> None:
    version = await write_one(store, put("head", kind="head"))
    await asyncio.gather(
        *(write(store, check("head", version, kind="head"), put(f"m{n}")) for n in range(8))
    )
    assert len(await store.list(THREAD, "message", limit=9)) == 8


async def test_what_never_settles_ends(store: CosmosStore, gateway: Gateway) -> None:
    version = await write_one(store, put("a"))
    gateway.misbehave(mishaps.fail_operation(0, 412), times=commits.TRIES, where=batches)
    with pytest.raises(StoreUnavailable, match="too often"):
        await write(store, put("a", version))


@pytest.mark.parametrize("status", [409, 412], ids=str)
async def test_a_batch_that_does_not_say_what_failed(
    store: CosmosStore, gateway: Gateway, status: int
) -> None:
    version = await write_one(store, put("a"))
    operations = (put("a", version), put("b"), drop("run_2"))
    gateway.misbehave(mishaps.refuse(status))
    await write(store, *operations, append(entry((1, 1))))
    gateway.misbehave(mishaps.refuse(status))
    with pytest.raises(Conflict):
        await write(store, *operations)


async def test_two_cores_write_one_log(gateway: Gateway, store: CosmosStore) -> None:
    other = await open_store(gateway.port, store._container.id)
    await write(store, append(entry((1, 1))))
    # The other core knows nothing of this log, then something old.
    await write(other, append(entry((1, 2))))
    with pytest.raises(Conflict):
        await write(store, append(entry((1, 2))))
    await write(store, append(entry((1, 3))))
    await write(other, drop())
    await write(store, append(entry((1, 4))))
    await write(other, append(entry((1, 5))))
    found = await store.read(THREAD, "run_1", LOG_START, 9)
    assert [each.last.n for each in found] == [4, 5]
    # Now the log that a core remembers goes further than the one that is there.
    await write(other, drop())
    await write(store, append(entry((1, 1))))
    assert len(await other.read(THREAD, "run_1", LOG_START, 9)) == 1
    await other.close()


async def test_one_of_two_writers_wins_each_time(gateway: Gateway, store: CosmosStore) -> None:
    other = await open_store(gateway.port, store._container.id)
    won = 0

    async def compete(store: CosmosStore) -> None:
        nonlocal won
        while True:
            record = await store.get(THREAD, "head", "head", fresh=True)
            order = record.order + 1 if record else 0
            if order == 20:
                return
            try:
                expected = record.version if record else None
                await write(store, put("head", expected, kind="head", order=order))
            except Conflict:
                continue
            won += 1

    await asyncio.gather(compete(store), compete(other))
    assert won == 20
    await other.close()


async def test_what_does_not_fit_into_a_batch_is_a_mistake(
    store: CosmosStore, gateway: Gateway
) -> None:
    with pytest.raises(ValueError, match="steps"):
        await write(store, *(put(str(n)) for n in range(99)), append(entry((1, 1))))
    tiny = [entry((1, n), body=b"") for n in range(1, 40_000)]
    with pytest.raises(ValueError, match="bytes"):
        await write(store, append(*tiny))
    assert gateway.of_items() == []
