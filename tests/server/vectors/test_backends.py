"""The whole life of a vector store, on stores that keep things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels
from tests.server.runs.world import World
from tests.server.vectors import test_promises as promised
from tests.server.vectors.test_batches import STOPPED, cancel
from tests.server.vectors.world import PROJECT, Place
from tests.store.postgres.opening import open_empty
from tests.store.postgres.servers import postgres
from tests.store.redis.servers import redis_server
from understudy.v1 import vector_store_pb2
from understudy_server.clock import SystemClock
from understudy_server.errors import NotFound
from understudy_server.store.port import Store
from understudy_server.store.redis.connecting import Address
from understudy_server.store.redis.store import RedisStore
from understudy_server.store.sqlite import SqliteStore
from understudy_server.vectors import membership
from understudy_server.vectors.counting import COMPLETED


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with TemporaryDirectory(prefix="us-") as folder:
        if request.param == "redis":
            with redis_server(Path(folder), "--save", "") as url:
                yield url
        elif request.param == "postgres":
            with postgres() as server:
                yield server.url
        else:
            yield folder


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened: Store
    if url.startswith("postgres"):
        opened = await open_empty(url)
    elif url.startswith("/"):
        opened = await SqliteStore.open(Path(url) / f"{uuid4().hex}.db", SystemClock())
    else:
        address = Address(url=url, cluster=False, prefix=uuid4().hex)
        opened = await RedisStore.open(address, SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
async def place(store: Store) -> AsyncIterator[Place]:
    world = World(ScriptedModels(), store, clock=FakeClock())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.close)
        yield Place(world, store, SystemClock())


async def test_from_its_creation_to_the_last_trace_of_it(place: Place) -> None:
    ids = await place.many_files(40)
    store = await place.store(*ids[:20], key=uuid4().hex, name="Größe")
    batch = (await place.add_batch(store, *ids[10:])).id
    await asyncio.gather(*(place.complete(store, id, "text") for id in ids[:15]))
    shown = await place.shown(store)
    assert shown.file_counts == vector_store_pb2.FileCounts(in_progress=25, completed=15, total=40)
    assert await place.listed(store, filter=COMPLETED, order=1, limit=3) == ids[:3]
    assert await place.in_batch(store, batch, order=1, limit=3) == ids[10:13]
    stopped = await cancel(place, store, batch)
    assert stopped.status == STOPPED
    assert stopped.file_counts.completed == 5
    assert stopped.file_counts.cancelled == 25
    assert await membership.remove_file(place.rooms.shared, PROJECT, store, ids[0])
    await place.delete_store(store)
    with pytest.raises(NotFound):
        await place.shown(store)
    await place.attend()
    assert await place.left(store) == {"vector-head", "loose-blob"}
    for id in ids:
        assert await place.pointers(id) == []


async def test_many_at_once(place: Place) -> None:
    """Two cores; every file is added and completed by somebody, and each is counted once."""
    ids, store = await place.many_files(24), await place.store()
    other = Place(place.world, place.memory, SystemClock())
    sides = (place, other)
    await asyncio.gather(
        *(side.add(store, id) for side in sides for id in ids[:12]),
        *(side.add_batch(store, *ids[12:]) for side in sides),
    )
    await asyncio.gather(*(place.complete(store, id) for id in ids[6:]))
    shown = await place.shown(store)
    assert shown.file_counts == vector_store_pb2.FileCounts(in_progress=6, completed=18, total=24)
    assert shown.usage_bytes == 180


async def test_a_thread_with_files(place: Place) -> None:
    one, two = await place.many_files(2)
    made = await promised.thread(
        place, tool_resources=promised.making(one), messages=[promised.message("Hi")]
    )
    await promised.say(place, made.id, (two, promised.SEARCH), (two, promised.CODE))
    store = promised.store_of(made)
    assert sorted(await place.listed(store)) == sorted([one, two])
