"""Files that are added together: all or none, counted exactly, cancelled on request."""

from __future__ import annotations

import math

import pytest

from tests.server.vectors.test_files import attributes, hold
from tests.server.vectors.world import PROJECT, Place, caller, open_place, static
from understudy.v1 import vector_store_file_pb2 as pb
from understudy.v1 import vector_store_pb2 as stores
from understudy_server.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    StateConflict,
    UnsupportedFile,
)
from understudy_server.vectors import batches, membership
from understudy_server.vectors.counting import CANCELLED, COMPLETED, FAILED, IN_PROGRESS

WORKING = pb.VECTOR_STORE_FILE_BATCH_STATUS_IN_PROGRESS
DONE = pb.VECTOR_STORE_FILE_BATCH_STATUS_COMPLETED
STOPPED = pb.VECTOR_STORE_FILE_BATCH_STATUS_CANCELLED


async def cancel(place: Place, store: str, batch: str) -> pb.VectorStoreFileBatch:
    request = pb.CancelVectorStoreFileBatchRequest(vector_store_id=store, batch_id=batch)
    return await place.rooms.batches.cancel(caller(), request)


@pytest.mark.parametrize("count", [1, 16, 17, 90, 91, 200])
async def test_counts_and_status_flip_together(count: int) -> None:
    async with open_place() as place:
        ids, store = await place.many_files(count), await place.store()
        batch = await place.add_batch(store, *ids)
        assert (batch.status, batch.vector_store_id) == (WORKING, store)
        assert batch.file_counts == stores.FileCounts(in_progress=count, total=count)
        assert (await place.shown(store)).file_counts == batch.file_counts
        assert await place.in_batch(store, batch.id, order=1) == ids[:100]
        for id in ids[:-1]:
            await place.complete(store, id)
        before = await place.batch(store, batch.id)
        assert (before.status, before.file_counts.in_progress) == (WORKING, 1)
        await place.fail(store, ids[-1])
        after = await place.batch(store, batch.id)
        assert after.status == DONE
        assert after.file_counts == stores.FileCounts(completed=count - 1, failed=1, total=count)
        kinds = await place.left(store)
        assert not [kind for kind in kinds if kind.startswith("vector-entry")]


async def test_files_have_strategies_and_attributes_of_their_own_or_the_batchs() -> None:
    async with open_place() as place:
        one, two, store = await place.file(), await place.file(), await place.store()
        own = pb.NewVectorStoreFile(
            file_id=two, chunking_strategy=static(300, 10), attributes=attributes(b=1)
        )
        request = pb.CreateVectorStoreFileBatchRequest(
            vector_store_id=store,
            files=[pb.NewVectorStoreFile(file_id=one), own],
            chunking_strategy=static(200, 20),
            attributes=attributes(a="x"),
        )
        await place.rooms.batches.create(caller(), request)
        first, second = await place.get(store, one), await place.get(store, two)
        assert first.chunking_strategy == static(200, 20)
        assert first.attributes == attributes(a="x")
        assert second.chunking_strategy == static(300, 10)
        assert second.attributes == attributes(b=1)


async def test_all_or_none() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(20), await place.store()
        with pytest.raises(NotFound, match="The following files were not found: file-x") as error:
            await place.add_batch(store, *ids, "file-x")
        assert error.value.param == "file_ids"
        with pytest.raises(UnsupportedFile, match=r"\[\.jsonl\]"):
            await place.add_batch(store, *ids, await place.file("a.jsonl"))
        assert await place.left(store) == {"vector-head", "vector_store"}


async def test_what_makes_no_sense_is_refused() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        create = place.rooms.batches.create
        new = pb.NewVectorStoreFile(file_id=one)
        with pytest.raises(InvalidRequest, match="Missing required parameter: 'file_ids'"):
            await place.add_batch(store)
        request = pb.CreateVectorStoreFileBatchRequest(vector_store_id=store)
        request.files.extend([new, new])
        with pytest.raises(InvalidRequest, match=r"'files\[1\].file_id': .* more than once"):
            await create(caller(), request)
        request.file_ids.append(one)
        with pytest.raises(InvalidRequest, match="together with 'file_ids'"):
            await create(caller(), request)
        request = pb.CreateVectorStoreFileBatchRequest(vector_store_id=store)
        new.chunking_strategy.CopyFrom(static(100, 51))
        request.files.append(new)
        with pytest.raises(InvalidRequest, match=r"'files\[0\].chunking_strategy.static.chunk_ov"):
            await create(caller(), request)
        new.ClearField("chunking_strategy")
        new.attributes["n"].number = math.inf
        del request.files[:]
        request.files.append(new)
        with pytest.raises(InvalidRequest, match=r"'files\[0\].attributes.n': .* finite"):
            await create(caller(), request)


async def test_files_that_are_there_already_count_as_they_are() -> None:
    async with open_place() as place:
        ids = await place.many_files(5)
        store = await place.store(*ids[:4])
        await place.complete(store, ids[0])
        await place.complete(store, ids[1])
        await place.fail(store, ids[2])
        await hold(place, store, ids[3])
        batch = await place.add_batch(store, ids[0], *ids[2:])
        assert batch.file_counts == stores.FileCounts(in_progress=3, completed=1, total=4)
        shown = await place.shown(store)
        assert shown.file_counts == stores.FileCounts(in_progress=3, completed=2, total=5)
        alone = await place.add_batch(store, ids[1])
        assert (alone.status, alone.file_counts.completed) == (DONE, 1)
        other = await place.add_batch(store, ids[1], chunking_strategy=static(200, 0))
        assert (other.status, other.file_counts.in_progress) == (WORKING, 1)


async def test_one_file_in_several_batches_ends_in_all_of_them() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        made = [await place.add_batch(store, one) for _ in range(3)]
        await place.complete(store, one)
        for batch in made:
            after = await place.batch(store, batch.id)
            assert (after.status, after.file_counts.completed) == (DONE, 1)
        assert await place.in_batch(store, made[0].id) == [one]


async def test_a_file_in_too_many_batches_is_waited_for_by_the_first_of_them() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        made = [await place.add_batch(store, one) for _ in range(batches.MAX_BATCHES + 1)]
        assert [batch.file_counts.in_progress for batch in made[-2:]] == [1, 0]
        await place.complete(store, one)
        assert (await place.batch(store, made[0].id)).file_counts.completed == 1


async def test_listing_by_status() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(30), await place.store()
        batch = (await place.add_batch(store, *ids)).id
        for id in ids[::3]:
            await place.complete(store, id)
        done, rest = ids[::3], [id for id in ids if id not in ids[::3]]
        assert await place.in_batch(store, batch, filter=COMPLETED, order=1) == done
        assert await place.in_batch(store, batch, filter=COMPLETED, limit=2) == done[:-3:-1]
        assert await place.in_batch(store, batch, filter=IN_PROGRESS) == rest[::-1]
        assert await place.in_batch(store, batch, filter=FAILED) == []
        after = ids[7]
        assert (
            await place.in_batch(store, batch, filter=COMPLETED, order=1, after=after) == done[3:]
        )
        assert await place.in_batch(store, batch, before=ids[2], limit=2) == [ids[4], ids[3]]
        await membership.remove_file(place.rooms.shared, PROJECT, store, ids[0])
        assert await place.in_batch(store, batch, order=1, limit=2) == ids[1:3]
        with pytest.raises(NotFound, match="No file found with id 'file-x' in vector store"):
            await place.in_batch(store, batch, after="file-x")


async def test_cancelling_stops_what_is_in_progress() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(25), await place.store()
        batch = await place.add_batch(store, *ids)
        await place.complete(store, ids[0])
        await hold(place, store, ids[1])
        after = await cancel(place, store, batch.id)
        assert after.status == STOPPED
        assert after.file_counts == stores.FileCounts(completed=1, cancelled=24, total=25)
        assert await place.batch(store, batch.id) == after
        assert (await place.get(store, ids[1])).status == CANCELLED
        shown = await place.shown(store)
        assert shown.file_counts == after.file_counts
        assert shown.status == stores.VECTOR_STORE_STATUS_COMPLETED
        with pytest.raises(StateConflict, match=r"Cannot cancel .* with status 'cancelled'"):
            await cancel(place, store, batch.id)
        assert (await place.add(store, ids[1])).status == IN_PROGRESS


async def test_a_batch_that_has_ended_cannot_be_cancelled() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        batch = await place.add_batch(store, one)
        await place.complete(store, one)
        with pytest.raises(StateConflict, match="batch with status 'completed'"):
            await cancel(place, store, batch.id)


async def test_what_is_taken_out_counts_as_cancelled() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(2), await place.store()
        batch = await place.add_batch(store, *ids)
        await membership.remove_file(place.rooms.shared, PROJECT, store, ids[0])
        await place.complete(store, ids[1])
        after = await place.batch(store, batch.id)
        assert after.status == DONE
        assert after.file_counts == stores.FileCounts(completed=1, cancelled=1, total=2)


async def test_a_key_finds_its_batch() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(3), await place.store()
        batch = await place.add_batch(store, *ids, key="k")
        assert await place.add_batch(store, *ids, key="k") == batch
        with pytest.raises(IdempotencyMismatch):
            await place.add_batch(store, ids[0], key="k")
        await place.complete(store, ids[0])
        again = await place.add_batch(store, *ids, key="k")
        assert (again.id, again.file_counts.completed) == (batch.id, 1)
