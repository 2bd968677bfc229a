"""The same request, with its key, at two cores at once and again, while answers get lost: it happens once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeAlias

import pytest

from tests.server.vectors import test_promises as promised
from tests.server.vectors.whole import check_all
from tests.server.vectors.world import Place, open_place
from tests.store.hostile import LATEST, HostileStore, Rates
from understudy_server.errors import StoreError
from understudy_server.store import tables

Request: TypeAlias = Callable[[Place], Awaitable[str]]
"""The id of what it made."""


async def a_store(place: Place) -> Request:
    ids = await place.many_files(20)

    async def request(place: Place) -> str:
        return await place.store(*ids, key="k")

    return request


async def a_file(place: Place) -> Request:
    one, store = await place.file(), await place.store()

    async def request(place: Place) -> str:
        return (await place.add(store, one, key="k")).id

    return request


async def a_batch(place: Place) -> Request:
    ids, store = await place.many_files(100), await place.store()

    async def request(place: Place) -> str:
        batch = await place.add_batch(store, *ids, key="k")
        assert batch.file_counts.total == 100
        return batch.id

    return request


async def an_assistant(place: Place) -> Request:
    one = await place.file()

    async def request(place: Place) -> str:
        return promised.store_of(await promised.assistant(place, promised.making(one), "k"))

    return request


async def a_thread(place: Place) -> Request:
    one, two = await place.many_files(2)

    async def request(place: Place) -> str:
        said: list[Any] = [promised.message("Hi", (two, promised.SEARCH))]
        made = await promised.thread(place, "k", tool_resources=promised.making(one), messages=said)
        return promised.store_of(made)

    return request


async def a_message(place: Place) -> Request:
    one, thread = await place.file(), (await promised.thread(place)).id

    async def request(place: Place) -> str:
        return (await promised.say(place, thread, (one, promised.SEARCH), key="k")).id

    return request


KINDS = {
    # How it is made, and of which records there is one in the end.
    "store": (a_store, tables.vector_stores.kind),
    "file": (a_file, tables.vector_stores.kind),
    "batch": (a_batch, tables.vector_batches.kind),
    "assistant": (an_assistant, tables.vector_stores.kind),
    "thread": (a_thread, tables.vector_stores.kind),
    "message": (a_message, tables.messages.kind),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
async def test_it_happens_once(kind: str, seed: int) -> None:
    prepare, counted = KINDS[kind]
    async with open_place() as place:
        request = await prepare(place)
        random = Random(seed)
        hostile = HostileStore(place.memory, random, place.clock, Rates())
        sides = [Place(place.world) for _ in range(2)]
        for side in sides:
            side.rooms = side.another(store=hostile)

        async def insist(side: Place) -> str:
            while True:
                try:
                    return await request(side)
                except StoreError:
                    await place.clock.sleep(random.uniform(0, 2))

        async def both() -> list[str]:
            return await asyncio.gather(*(insist(side) for side in sides))

        first, second = await place.clock.run_until(both())
        assert first == second
        hostile.rates = Rates.none()
        await place.clock.advance(LATEST + 60)
        for _ in range(3):
            await place.attend()
            await place.clock.advance(60)
        assert await request(place) == first
        await check_all(place)
        portion = await place.world.memory.partitions("", 1000)
        found = 0
        for partition in portion.found:
            found += len(await place.memory.list(partition, counted, limit=1000))
        assert found == 1
