"""Files in vector stores: added, worked on, changed, read and taken out."""

from __future__ import annotations

import math

import pytest

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
from understudy_server.store import tables
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord
from understudy_server.vectors import membership
from understudy_server.vectors.amend import Changed, amend_file
from understudy_server.vectors.counting import CANCELLED, COMPLETED, FAILED, IN_PROGRESS


def attributes(**values: str | float | bool) -> dict[str, pb.Attribute]:
    """Made of plain values."""
    made = {}
    for name, value in values.items():
        if isinstance(value, bool):
            made[name] = pb.Attribute(boolean=value)
        elif isinstance(value, str):
            made[name] = pb.Attribute(text=value)
        else:
            made[name] = pb.Attribute(number=value)
    return made


async def record(place: Place, store: str, file_id: str) -> tables.Row[VectorStoreFileRecord]:
    partition = tables.vector_store_partition(PROJECT, store)
    row = await tables.vector_files.get(place.memory, partition, file_id)
    assert row is not None
    return row


async def hold(place: Place, store: str, file_id: str) -> None:
    """Somebody works on the file."""

    def decide(_: object, row: tables.Row[VectorStoreFileRecord] | None) -> Changed:
        assert row is not None
        after = VectorStoreFileRecord()
        after.CopyFrom(row.body)
        after.holder = "core"
        return Changed(record=after, due=place.memory.now() + 1_000_000)

    partition = tables.vector_store_partition(PROJECT, store)
    await amend_file(place.memory, place.clock, partition, file_id, decide)


async def test_a_file_that_is_added_is_in_progress_and_due() -> None:
    async with open_place() as place:
        one, store = await place.file("a.TXT"), await place.store()
        file = await place.add(store, one, attributes=attributes(a="x", b=1.5, c=True))
        assert file == pb.VectorStoreFile(
            id=one,
            created_at=place.memory.now() // 1_000_000,
            vector_store_id=store,
            status=IN_PROGRESS,
            chunking_strategy=static(800, 400),
            attributes=attributes(a="x", b=1.5, c=True),
        )
        assert await place.get(store, one) == file
        assert await place.pointers(one) == [store]
        row = await record(place, store, one)
        assert row.record.due == place.memory.now()
        assert row.body.filename == "a.TXT"


async def test_what_cannot_be_added() -> None:
    async with open_place() as place:
        store = await place.store()
        with pytest.raises(NotFound, match="The following files were not found: file-x"):
            await place.add(store, "file-x")
        image = await place.file("a.png")
        with pytest.raises(UnsupportedFile, match=r"Files with extensions \[.png\] are not"):
            await place.add(store, image)
        one = await place.file()
        with pytest.raises(NotFound, match="No vector store found with id 'vs_x'"):
            await place.add("vs_x", one)
        with pytest.raises(InvalidRequest, match="Expected a value <= 100"):
            await place.add(store, one, chunking_strategy=static(200, 150))
        for number in (math.nan, math.inf, -math.inf):
            with pytest.raises(InvalidRequest, match=r"'attributes\.n': expected a finite number"):
                await place.add(store, one, attributes=attributes(n=number))
        assert await place.listed(store) == []
        assert await place.pointers(one) == []


@pytest.mark.parametrize("ended", [True, False])
async def test_adding_again_with_the_same_strategy_changes_no_work(ended: bool) -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one, attributes=attributes(a="x"))
        await hold(place, store, one)
        if ended:
            await place.complete(store, one)
        before = await record(place, store, one)
        again = await place.add(store, one)
        assert again == before.body.file
        assert await record(place, store, one) == before
        changed = await place.add(store, one, attributes=attributes(b=True))
        assert changed.attributes == attributes(b=True)
        row = await record(place, store, one)
        assert (row.body.holder, row.body.segment) == ("core", before.body.segment)
        assert row.record.due == before.record.due


@pytest.mark.parametrize("status", [IN_PROGRESS, COMPLETED, FAILED])
async def test_another_strategy_means_new_work(
    status: pb.VectorStoreFileStatus.ValueType,
) -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        first = await place.add(store, one, attributes=attributes(a="x"))
        await hold(place, store, one)
        if status == COMPLETED:
            await place.complete(store, one)
        elif status == FAILED:
            await place.fail(store, one)
        await place.clock.advance(5)
        again = await place.add(store, one, chunking_strategy=static(200, 0))
        assert again.status == IN_PROGRESS
        assert again.usage_bytes == 0
        assert again.chunking_strategy == static(200, 0)
        assert again.created_at == first.created_at
        assert again.attributes == attributes(a="x")
        row = await record(place, store, one)
        assert (row.body.holder, row.body.HasField("segment")) == ("", False)
        assert row.record.due == place.memory.now()
        shown = await place.shown(store)
        assert shown.file_counts == stores.FileCounts(in_progress=1, total=1)
        assert shown.usage_bytes == 0
        assert ("loose-blob" in await place.left(store)) == (status == COMPLETED)


async def test_a_failed_file_is_worked_on_again() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one)
        await place.fail(store, one)
        assert (await place.shown(store)).file_counts == stores.FileCounts(failed=1, total=1)
        assert (await place.add(store, one)).status == IN_PROGRESS


async def test_a_key_adds_once() -> None:
    async with open_place() as place:
        one, two, store = await place.file(), await place.file(), await place.store()
        first = await place.add(store, one, key="k")
        assert await place.add(store, one, key="k") == first
        with pytest.raises(IdempotencyMismatch):
            await place.add(store, two, key="k")
        await place.complete(store, one)
        assert (await place.add(store, one, key="k")).status == COMPLETED
        await membership.remove_file(place.rooms.shared, PROJECT, store, one)
        with pytest.raises(NotFound, match=f"No file found with id '{one}' in vector store"):
            await place.add(store, one, key="k")
        assert await place.listed(store) == []
        assert (await place.add(store, one)).status == IN_PROGRESS


async def test_listing_by_status() -> None:
    async with open_place() as place:
        ids = await place.many_files(6)
        store = await place.store(*ids)
        await place.complete(store, ids[1])
        await place.complete(store, ids[4])
        await place.fail(store, ids[2])
        assert await place.listed(store) == ids[::-1]
        assert await place.listed(store, filter=COMPLETED) == [ids[4], ids[1]]
        assert await place.listed(store, filter=COMPLETED, order=1, limit=1) == [ids[1]]
        assert await place.listed(store, filter=FAILED) == [ids[2]]
        assert await place.listed(store, filter=CANCELLED) == []
        assert await place.listed(store, filter=IN_PROGRESS, order=1) == [ids[0], ids[3], ids[5]]
        assert await place.listed(store, after=ids[3], limit=2) == [ids[2], ids[1]]
        assert await place.listed(store, filter=COMPLETED, after=ids[2]) == [ids[1]]
        with pytest.raises(NotFound, match="No file found with id 'file-x' in vector store"):
            await place.listed(store, after="file-x")


async def test_attributes_are_replaced_whole() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one, attributes=attributes(a="x", b="y"))
        await hold(place, store, one)
        files = place.rooms.files
        request = pb.ModifyVectorStoreFileRequest(vector_store_id=store, file_id=one)
        with pytest.raises(InvalidRequest, match="Missing required parameter: 'attributes'"):
            await files.modify(caller(), request)
        request.attributes["c"].number = 2
        assert (await files.modify(caller(), request)).attributes == attributes(c=2)
        row = await record(place, store, one)
        assert (row.body.holder, row.record.due is not None) == ("core", True)
        request.attributes["c"].number = math.nan
        with pytest.raises(InvalidRequest, match="finite"):
            await files.modify(caller(), request)
        cleared = pb.ModifyVectorStoreFileRequest(vector_store_id=store, file_id=one)
        cleared.update_mask.paths.append("attributes")
        assert not (await files.modify(caller(), cleared)).attributes
        cleared.file_id = "file-x"
        with pytest.raises(NotFound, match="No file found with id 'file-x'"):
            await files.modify(caller(), cleared)


async def test_a_change_of_attributes_is_a_change_of_the_head() -> None:
    """So that searches see it at once."""
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one)
        partition = tables.vector_store_partition(PROJECT, store)
        before = await tables.vector_heads.get(place.memory, partition, tables.HEAD_ID)
        request = pb.ModifyVectorStoreFileRequest(vector_store_id=store, file_id=one)
        request.attributes["a"].text = "x"
        await place.rooms.files.modify(caller(), request)
        after = await tables.vector_heads.get(place.memory, partition, tables.HEAD_ID)
        assert before is not None
        assert after is not None
        assert before.version != after.version


async def test_taking_a_file_out() -> None:
    async with open_place() as place:
        one, two, store = await place.file(), await place.file(), await place.store()
        await place.add(store, one)
        await place.add(store, two)
        await place.complete(store, one)
        files = place.rooms.files
        request = pb.DeleteVectorStoreFileRequest(vector_store_id=store, file_id=one)
        answer = await files.delete(caller(), request)
        assert answer == pb.DeleteVectorStoreFileResponse(id=one, deleted=True)
        assert await place.listed(store) == [two]
        assert await place.pointers(one) == []
        shown = await place.shown(store)
        assert shown.file_counts == stores.FileCounts(in_progress=1, total=1)
        assert shown.usage_bytes == 0
        assert "loose-blob" in await place.left(store)
        with pytest.raises(NotFound, match=f"No file found with id '{one}' in vector store"):
            await files.delete(caller(), request)


async def test_the_text_of_a_file() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one)
        request = pb.GetVectorStoreFileContentRequest(vector_store_id=store, file_id=one)
        with pytest.raises(StateConflict, match="has no content: its status is 'in_progress'"):
            await place.rooms.files.content(caller(), request)
        text = "Größe, 大きさ. " * 100_000
        await place.complete(store, one, text)
        page = await place.rooms.files.content(caller(), request)
        assert [part.text for part in page.data] == [text]
        assert not page.has_more


async def test_a_file_that_goes_while_it_is_added_is_not_in_the_store() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one)
        await place.lose_file(one)
        shared = place.rooms.shared
        assert await membership.confirm(shared, PROJECT, store, one) is None
        assert await place.listed(store) == []
        assert await place.pointers(one) == []


async def test_a_pointer_that_was_lost_is_put_back() -> None:
    async with open_place() as place:
        one, store = await place.file(), await place.store()
        await place.add(store, one)
        where = tables.files_of(PROJECT), tables.stores_with(one), store
        pointer = await place.memory.get(*where)
        assert pointer is not None
        await place.remove(pointer)
        found = await membership.confirm(place.rooms.shared, PROJECT, store, one)
        assert found is not None
        assert await place.pointers(one) == [store]
