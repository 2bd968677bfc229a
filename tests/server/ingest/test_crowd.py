"""Thousands of files that wait must not cost the core its time: the worker reads all that is due at every look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.server.runs.scripted import ScriptedModels
from tests.server.runs.world import PROJECT, open_world
from tests.store.forwarding import ForwardingStore
from understudy_server.runs.live import Live
from understudy_server.runs.worker import PAUSE, SCAN, Worker
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Put, Record


class Counting(ForwardingStore):
    looks = 0

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        self.looks += 1
        return await super().due(now, limit)


@pytest.mark.parametrize(("waiting", "rest"), [(0, PAUSE), (500, 11 * PAUSE), (2000, SCAN)])
async def test_the_more_wait_the_longer_the_worker_rests(waiting: int, rest: float) -> None:
    async def put_off(_: Record) -> bool:
        return False

    async with open_world(ScriptedModels()) as world:
        place = tables.vector_store_partition(PROJECT, "vs_1")
        kind = tables.vector_files.kind
        for start in range(0, waiting, 100):
            puts = [
                Put(kind=kind, id=f"f{number}", expected=None, order=number, body=b"", due=0)
                for number in range(start, start + 100)
            ]
            await commit_new(world.memory, place, puts, world.clock)
        store = Counting(world.memory)
        shared = replace(world.core().shared, store=store)
        worker = Worker(shared, Live(), slots=1, grace=0, attendants={kind: put_off})
        worker.start()
        # So many at a time that it is at its longest.
        await world.clock.advance(10)
        store.looks = 0
        for number in range(120):
            put = Put(kind=kind, id=f"g{number}", expected=None, order=number, body=b"", due=0)
            version = (await commit_new(world.memory, place, [put], world.clock))[0]
            row = await world.memory.get(place, kind, put.id)
            assert version is not None
            assert row is not None
            await commit_new(world.memory, place, [tables.remove(row)], world.clock)
            await world.clock.advance(0.05)
        expected = 120 * 0.05 / rest
        assert expected * 0.8 - 1 <= store.looks <= expected * 1.2 + 1
        await world.clock.run_until(worker.stop())
