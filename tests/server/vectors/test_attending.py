"""A core's worker does what is due of vector stores."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.server.vectors import test_promises as promised
from tests.server.vectors.test_interrupted import Died, MortalStore
from tests.server.vectors.whole import check_all
from tests.server.vectors.world import Place, open_place
from understudy_server.runs.live import Live
from understudy_server.runs.worker import Worker
from understudy_server.vectors.attending import open_vectors, work


class Attended:
    """A place with a worker."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> None:
        shared = self._place.rooms.shared
        attendants = open_vectors(shared, self._stack)
        assert attendants.keys() == work(shared).keys()
        worker = Worker(shared, Live(), slots=0, grace=0, attendants=attendants)
        worker.start()
        self._stack.push_async_callback(worker.stop)

    async def __aexit__(self, *_: object) -> None:
        await self._place.clock.run_until(self._stack.aclose())


async def test_a_deleted_store_is_purged() -> None:
    async with open_place() as place, Attended(place):
        store = await place.store(*await place.many_files(40))
        await place.delete_store(store)
        await place.clock.advance(10)
        assert await place.left(store) == {"vector-head"}


async def test_what_a_dead_core_had_promised_is_done() -> None:
    async with open_place() as place:
        ids = await place.many_files(40)
        sound = place.rooms
        place.rooms = place.another(store=MortalStore(place.memory, 1, after=True))
        with pytest.raises(Died):
            await promised.thread(place, "k", tool_resources=promised.making(*ids))
        place.rooms = sound
        async with Attended(place):
            await place.clock.advance(60)
            made = await promised.thread(place, "k", tool_resources=promised.making(*ids))
            assert sorted(await place.listed(promised.store_of(made))) == sorted(ids)
        await check_all(place)
