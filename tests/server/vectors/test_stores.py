"""Vector stores from their creation to the last trace of them."""

from __future__ import annotations

import pytest
from google.protobuf.empty_pb2 import Empty

from tests.server.vectors.world import caller, open_place, static
from understudy.v1 import pagination_pb2, tool_pb2
from understudy.v1 import vector_store_pb2 as pb
from understudy_server.errors import IdempotencyMismatch, InvalidRequest, NotFound, UnsupportedFile

DAY = 24 * 3600
WEEK = pb.VectorStoreExpirationAfter(
    anchor=pb.VECTOR_STORE_EXPIRATION_ANCHOR_LAST_ACTIVE_AT, days=7
)
ASCENDING = pagination_pb2.SORT_ORDER_ASC


async def test_an_empty_store_is_complete_at_once() -> None:
    async with open_place() as place:
        store = await place.create_store(name="Books", metadata={"k": "v"}, description="All")
        assert store == await place.shown(store.id)
        assert store.status == pb.VECTOR_STORE_STATUS_COMPLETED
        assert (store.name, store.description, dict(store.metadata)) == ("Books", "All", {"k": "v"})
        assert store.file_counts == pb.FileCounts()
        assert store.last_active_at == store.created_at == place.memory.now() // 1_000_000
        assert not store.HasField("expires_at")


@pytest.mark.parametrize("count", [1, 16, 17, 40])
async def test_a_store_begins_with_its_files(count: int) -> None:
    async with open_place() as place:
        ids = await place.many_files(count)
        store = await place.create_store(*ids, ids[0])
        assert store.status == pb.VECTOR_STORE_STATUS_IN_PROGRESS
        assert store.file_counts == pb.FileCounts(in_progress=count, total=count)
        assert await place.listed(store.id, order=1) == ids
        for id in ids:
            assert await place.pointers(id) == [store.id]
            await place.complete(store.id, id)
        shown = await place.shown(store.id)
        assert shown.status == pb.VECTOR_STORE_STATUS_COMPLETED
        assert shown.file_counts == pb.FileCounts(completed=count, total=count)
        assert shown.usage_bytes == 10 * count


async def test_a_strategy_is_that_of_all_files() -> None:
    async with open_place() as place:
        one = await place.file()
        plain = await place.store(one)
        auto = await place.store(one, chunking_strategy=tool_pb2.ChunkingStrategy(auto=Empty()))
        small = await place.store(one, chunking_strategy=static(200, 100))
        strategies = [
            (await place.get(store, one)).chunking_strategy for store in (plain, auto, small)
        ]
        assert strategies == [static(800, 400), static(800, 400), static(200, 100)]


async def test_what_makes_no_sense_is_refused() -> None:
    async with open_place() as place:
        one = await place.file()
        with pytest.raises(InvalidRequest, match="<= 100, but got 101"):
            await place.store(one, chunking_strategy=static(200, 101))
        with pytest.raises(InvalidRequest, match="together with 'file_ids'"):
            await place.store(chunking_strategy=static(200, 100))
        with pytest.raises(NotFound, match=r"files were not found: file-x, file-y$"):
            await place.store("file-x", one, "file-y")
        table = await place.file("table.csv")
        bare = await place.file("README")
        with pytest.raises(UnsupportedFile, match=r"extensions \[\.csv, none\] are not") as refused:
            await place.store(one, table, bare)
        assert refused.value.param == "file_ids"


async def test_a_key_finds_what_it_made() -> None:
    async with open_place() as place:
        one = await place.file()
        store = await place.create_store(one, key="k", name="n")
        assert await place.create_store(one, key="k", name="n") == store
        await place.lose_file(one)
        assert (await place.create_store(one, key="k", name="n")).id == store.id
        with pytest.raises(IdempotencyMismatch):
            await place.create_store(one, key="k", name="m")
        await place.delete_store(store.id)
        for _ in range(2):
            with pytest.raises(NotFound, match=f"No vector store found with id '{store.id}'"):
                await place.create_store(one, key="k", name="n")
            await place.attend()


async def test_listing_pages_in_both_directions() -> None:
    async with open_place() as place:
        made = []
        for number in range(5):
            made.append(await place.store(name=f"{number}"))
            await place.clock.advance(1)
        stores = place.rooms.stores
        page = await stores.list(caller(), pb.ListVectorStoresRequest(limit=2))
        assert [store.id for store in page.data] == [made[4], made[3]]
        assert (page.first_id, page.last_id, page.has_more) == (made[4], made[3], True)
        page = await stores.list(
            caller(), pb.ListVectorStoresRequest(after=made[3], order=ASCENDING)
        )
        assert [store.id for store in page.data] == [made[4]]
        page = await stores.list(caller(), pb.ListVectorStoresRequest(before=made[1]))
        assert [store.id for store in page.data] == made[:1:-1]
        await place.delete_store(made[2])
        page = await stores.list(caller(), pb.ListVectorStoresRequest())
        assert [store.id for store in page.data] == [made[4], made[3], made[1], made[0]]
        with pytest.raises(NotFound, match="No vector store found with id 'vs_none'"):
            await stores.list(caller(), pb.ListVectorStoresRequest(after="vs_none"))
        with pytest.raises(InvalidRequest, match=r"Invalid 'after': 'x'\. Expected an ID"):
            await stores.list(caller(), pb.ListVectorStoresRequest(after="x"))


async def test_modifying_writes_what_is_named() -> None:
    async with open_place() as place:
        store = await place.create_store(name="a", metadata={"k": "v"}, description="d")
        stores = place.rooms.stores
        request = pb.ModifyVectorStoreRequest(vector_store_id=store.id, expires_after=WEEK)
        after = await stores.modify(caller(), request)
        assert after.expires_at == after.last_active_at + 7 * DAY
        assert (after.name, after.description, dict(after.metadata)) == ("a", "d", {"k": "v"})
        request = pb.ModifyVectorStoreRequest(vector_store_id=store.id)
        request.update_mask.paths.extend(["name", "expires_after", "metadata"])
        after = await stores.modify(caller(), request)
        assert not after.HasField("name")
        assert not after.HasField("expires_after")
        assert not after.HasField("expires_at")
        assert not after.metadata
        assert after == await place.shown(store.id)
        request.update_mask.paths.append("description")
        with pytest.raises(InvalidRequest, match="Unknown parameter: 'description'"):
            await stores.modify(caller(), request)


async def test_a_deleted_store_leaves_only_its_tombstone() -> None:
    async with open_place() as place:
        ids = await place.many_files(70)
        store = await place.store(*ids[:35])
        await place.add_batch(store, *ids[30:], key="b")
        await place.add(store, ids[0], key="f")
        for id in ids[:40]:
            await place.complete(store, id)
        blobs = place.rooms.shared.blobs
        await place.delete_store(store)
        with pytest.raises(NotFound, match=f"No vector store found with id '{store}'"):
            await place.shown(store)
        with pytest.raises(NotFound, match=f"No vector store found with id '{store}'"):
            await place.listed(store)
        with pytest.raises(NotFound):
            await place.delete_store(store)
        await place.attend()
        assert await place.left(store) == {"vector-head", "loose-blob"}
        for id in ids:
            assert await place.pointers(id) == []
        assert blobs is not None


async def test_ids_of_another_shape_are_called_malformed() -> None:
    async with open_place() as place:
        with pytest.raises(
            InvalidRequest, match=r"Invalid 'vector_store_id': 'x'\. Expected an ID"
        ):
            await place.shown("x")
        store = await place.store()
        with pytest.raises(InvalidRequest, match=r"Invalid 'file_id': 'x'\. Expected an ID that"):
            await place.get(store, "x")
        with pytest.raises(
            NotFound, match=f"No file found with id 'file-x' in vector store '{store}'"
        ):
            await place.get(store, "file-x")
        with pytest.raises(InvalidRequest, match=r"Invalid 'batch_id': 'x'\. Expected an ID that"):
            await place.batch(store, "x")
        with pytest.raises(NotFound, match="No vector store file batch found with id 'vsfb_x'"):
            await place.batch(store, "vsfb_x")
