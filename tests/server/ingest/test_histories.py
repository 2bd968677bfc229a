"""Random histories: cores that die, a store that refuses, loses and answers late, users who change their minds."""

from __future__ import annotations

import os
from contextlib import suppress
from random import Random

import pytest

from tests.server.ingest.place import Ingester, Ingestions, open_ingestions
from tests.server.vectors.world import caller, static
from tests.store.hostile import HostileStore, Rates
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.errors import BlobsUnavailable, InvalidFile, NotFound
from understudy_server.store import tables
from understudy_server.vectors.counting import COMPLETED, FAILED, word

COUNT = int(os.environ.get("UNDERSTUDY_INGEST_HISTORIES", "40"))
FILES = 10
CHAOS = 60.0
"""Seconds in which things go wrong."""


@pytest.mark.parametrize("seed", range(COUNT))
async def test_every_file_ends_once_and_nothing_is_left(seed: int) -> None:
    random = Random(seed)
    async with open_ingestions() as world:
        hostile = HostileStore(world.place.memory, random, world.clock, Rates(stale=0))
        texts = await world.clock.run_until(_chaos(world, hostile, random))
        hostile.rates = Rates.none()
        await world.clock.run_until(world.clock.sleep(60))
        await world.clock.run_until(world.finish(_core(world, hostile, random)))
        await _check(world, texts)


def _core(world: Ingestions, store: HostileStore, random: Random) -> Ingester:
    core = world.core(store=store)
    core.documents.errors = {
        f"{number}.txt": [BlobsUnavailable("away")]
        for number in range(FILES)
        if random.random() < 0.2
    }
    core.documents.errors |= {"bad.txt": [InvalidFile("No.")] * 100}
    return core


async def _chaos(world: Ingestions, store: HostileStore, random: Random) -> dict[str, str]:
    """Gives the texts of the files that are to be there in the end."""
    texts = {}
    for number in range(FILES):
        text = f"text {number} " * random.choice([1, 10, 1000])
        texts[await world.added(text, f"{number}.txt")] = text
    texts[await world.added("bad", "bad.txt")] = ""
    cores = [_core(world, store, random) for _ in range(3)]
    end = world.clock.monotonic() + CHAOS
    while world.clock.monotonic() < end:
        for core in cores:
            await core.try_to_look(stale=random.random() < 0.2)
        await world.clock.sleep(random.expovariate(1))
        share = random.random()
        if share < 0.08:
            at = random.randrange(len(cores))
            cores[at].kill()
            cores[at] = _core(world, store, random)
        elif share < 0.12:
            at = random.randrange(len(cores))
            await cores[at].ingestion.stop()
            cores[at] = _core(world, store, random)
        elif share < 0.2:
            await _change(world, texts, random)
    return texts


async def _change(world: Ingestions, texts: dict[str, str], random: Random) -> None:
    file_id = random.choice(sorted(texts))
    share = random.random()
    if share < 0.4:
        with suppress(NotFound):
            await world.place.add(
                world.store_id, file_id, chunking_strategy=static(random.randrange(100, 200), 10)
            )
    elif share < 0.7:
        texts.pop(file_id)
        request = files.DeleteVectorStoreFileRequest(
            vector_store_id=world.store_id, file_id=file_id
        )
        await world.place.rooms.files.delete(caller(), request)
    else:
        texts.pop(file_id)
        await world.place.lose_file(file_id)


async def _check(world: Ingestions, texts: dict[str, str]) -> None:
    memory = world.place.memory
    found = await memory.list(world.partition, tables.vector_files.kind, limit=1000)
    rows = [tables.vector_files.parse(record) for record in found]
    counts = (await world.place.shown(world.store_id)).file_counts
    for status, shown in ((COMPLETED, counts.completed), (FAILED, counts.failed)):
        having = sorted(row.id for row in rows if row.body.file.status == status)
        pointers = await memory.list(
            world.partition, tables.vector_files_in(word(status)), limit=1000
        )
        assert shown == len(having)
        assert sorted(record.id for record in pointers) == having
    assert counts.total == len(rows) == counts.completed + counts.failed
    named = set()
    for row in rows:
        assert row.record.due is None
        assert not row.body.holder
        if row.body.file.status == COMPLETED:
            named.add(row.body.segment.key)
            segment = await world.segment(row.id)
            if texts.get(row.id):
                assert segment.text == texts[row.id].rstrip() or segment.text == texts[row.id]
    ids = {row.id for row in rows}
    assert ids >= set(texts)
    usage = (await world.place.shown(world.store_id)).usage_bytes
    assert usage == sum(row.body.file.usage_bytes for row in rows)
    # Every segment's bytes are named by a file, or by a record that sees to their removal.
    kept = {key for key in world.blobs._blobs if not key.startswith("files/")}
    assert named <= kept <= named | set(await world.loose())
