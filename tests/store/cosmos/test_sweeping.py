from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.samples import THREAD, append, drop, entry, put, write
from tests.store.cosmos.gateway import Gateway
from understudy_server.store.cosmos.reads import query
from understudy_server.store.cosmos.store import CosmosStore
from understudy_server.store.cosmos.sweeping import ENTRIES
from understudy_server.store.port import LOG_START

KEY = "proj_1:thread/thread_1"


async def ids(store: CosmosStore) -> Sequence[str]:
    found = await query(store._container, "SELECT * FROM c", {}, 1000, KEY)
    return [item["id"].partition(".")[0] for item in found]


async def test_a_dropped_log_leaves_nothing(store: CosmosStore) -> None:
    await write(store, put("a"))
    for n in range(1, 2 * ENTRIES + 3):
        await write(store, append(entry((1, n))))
    await write(store, append(entry((1, 1)), log="kept"))
    await write(store, drop())
    assert await store.read(THREAD, "run_1", LOG_START, 9) == []
    assert await store.sweeper.sweep() == 0, "who reads at this moment finds all of it"
    assert await store.sweeper.sweep(age=0) == 1
    assert sorted(await ids(store)) == ["e", "l", "r"]
    assert await store.sweeper.sweep(age=0) == 0
    assert len(await store.read(THREAD, "kept", LOG_START, 9)) == 1


async def test_a_log_that_began_anew_is_kept(store: CosmosStore) -> None:
    for n in range(1, 5):
        await write(store, append(entry((1, n))))
    await write(store, drop())
    await write(store, append(entry((1, 1))))
    await write(store, append(entry((1, 2))))
    assert await store.sweeper.sweep(age=0) == 1
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 2
    assert sorted(await ids(store)) == ["e", "e", "l"]
    assert await store.sweeper.sweep(age=0) == 0
    # The sweep has changed the etag that the store remembers.
    await write(store, append(entry((1, 3))))
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 3


async def test_an_append_between_stops_the_sweep(store: CosmosStore, gateway: Gateway) -> None:
    await write(store, append(entry((1, 1))))
    await write(store, drop())

    async def append_first(request: object, forward: object) -> object:
        await write(store, append(entry((1, 1))))
        return await forward()  # type: ignore[operator]

    gateway.misbehave(append_first, where=lambda sent: sent.what == "batch")  # type: ignore[arg-type]
    assert await store.sweeper.sweep(age=0) == 0
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
    assert await store.sweeper.sweep(age=0) == 1
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
