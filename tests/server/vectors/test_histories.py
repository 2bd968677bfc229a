"""Two cores and many clients at once, over a store that refuses, delays and loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from random import Random

import pytest

from tests.server.vectors.test_batches import cancel
from tests.server.vectors.whole import check_all
from tests.server.vectors.world import PROJECT, Place, caller, open_place, static
from tests.store.hostile import LATEST, HostileStore, Rates
from understudy.v1 import vector_store_file_pb2 as pb
from understudy_server.errors import DomainError
from understudy_server.store import tables
from understudy_server.vectors import membership

CLIENTS = 6
STEPS = 12


class Client:
    """Does one random thing after the other, on stores and files that all clients share."""

    def __init__(self, place: Place, random: Random, stores: list[str], files: list[str]) -> None:
        self._place = place
        self._random = random
        self._stores = stores
        self._files = files
        self._batches: list[tuple[str, str]] = []

    async def run(self) -> None:
        steps = [
            self._add,
            self._add,
            self._remove,
            self._add_together,
            self._add_together,
            self._cancel,
            self._work,
            self._work,
            self._change,
            self._make,
            self._delete_store,
            self._delete_file,
        ]
        for _ in range(STEPS):
            # A refusal, or an answer that was lost: the client goes on with something else.
            with suppress(DomainError):
                await self._random.choice(steps)()

    def _store(self) -> str:
        return self._random.choice(self._stores)

    def _file(self) -> str:
        return self._random.choice(self._files)

    async def _add(self) -> None:
        strategy = self._random.choice([static(800, 400), static(100, 0)])
        await self._place.add(self._store(), self._file(), chunking_strategy=strategy)

    async def _remove(self) -> None:
        request = pb.DeleteVectorStoreFileRequest(
            vector_store_id=self._store(), file_id=self._file()
        )
        await self._place.rooms.files.delete(caller(), request)

    async def _add_together(self) -> None:
        store = self._store()
        ids = self._random.sample(self._files, self._random.randint(1, len(self._files)))
        batch = await self._place.add_batch(store, *ids)
        assert batch.file_counts.total == len(ids)
        self._batches.append((store, batch.id))

    async def _cancel(self) -> None:
        if self._batches:
            await cancel(self._place, *self._random.choice(self._batches))

    async def _work(self) -> None:
        """As ingestion does: files that are gone are taken out, the others end."""
        store = self._store()
        for id in await self._place.listed(store, filter=1):
            found = await membership.confirm(self._place.rooms.shared, PROJECT, store, id)
            if found is not None:
                end = self._random.choice([self._place.complete, self._place.fail])
                await end(store, id)

    async def _change(self) -> None:
        request = pb.ModifyVectorStoreFileRequest(
            vector_store_id=self._store(), file_id=self._file()
        )
        request.attributes["n"].number = self._random.random()
        await self._place.rooms.files.modify(caller(), request)

    async def _make(self) -> None:
        ids = self._random.sample(self._files, 3)
        self._stores.append(await self._place.store(*ids))

    async def _delete_store(self) -> None:
        if len(self._stores) > 2:
            await self._place.delete_store(self._stores.pop(0))

    async def _delete_file(self) -> None:
        if self._random.random() < 0.5:
            id = self._files.pop(0)
            await self._place.lose_file(id)
            self._files.append(await self._place.file())
            for store in await self._place.pointers(id):
                await membership.remove_file(self._place.rooms.shared, PROJECT, store, id)


async def _attend_now_and_then(place: Place, random: Random) -> None:
    """A core's worker, which others disturb."""
    for _ in range(40):
        await place.clock.sleep(random.uniform(0, 3))
        with suppress(DomainError):
            await place.attend(rounds=5)


@pytest.mark.parametrize("seed", range(12))
async def test_counts_are_exact_whatever_happens(seed: int) -> None:
    random = Random(seed)
    rates = Rates() if seed % 3 else Rates.none()
    async with open_place() as place:
        hostile = HostileStore(place.memory, random, place.clock, rates)
        stores, files = [await place.store() for _ in range(2)], await place.many_files(20)
        others = [Place(place.world) for _ in range(2)]
        for other in others:
            other.rooms = other.another(store=hostile)
        clients = [
            Client(others[number % 2], random, stores, files).run() for number in range(CLIENTS)
        ]
        workers = [_attend_now_and_then(other, random) for other in others]
        await place.clock.run_until(_all(*clients, *workers))
        hostile.rates = Rates.none()
        await place.clock.advance(LATEST + 1)
        await _finish(place, stores)
        await check_all(place)


async def _all(*work: Awaitable[None]) -> None:
    await asyncio.gather(*work)


async def _finish(place: Place, stores: list[str]) -> None:
    """What is due is done, and what ingestion and deleted files ask for as well."""
    for _ in range(3):
        await place.clock.advance(100)
        await place.attend()
        for store in stores:
            partition = tables.vector_store_partition(PROJECT, store)
            for row in await tables.vector_files.list(place.memory, partition, limit=1000):
                await membership.confirm(place.rooms.shared, PROJECT, store, row.id)
