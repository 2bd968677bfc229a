"""Vector stores that nobody used for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.server.vectors.test_batches import STOPPED, cancel
from tests.server.vectors.test_stores import DAY, WEEK
from tests.server.vectors.whole import check_all
from tests.server.vectors.world import PROJECT, caller, open_place
from understudy.v1 import vector_store_pb2 as pb
from understudy_server.errors import StateConflict
from understudy_server.store import tables
from understudy_server.vectors import expiry, finding

EXPIRED = pb.VECTOR_STORE_STATUS_EXPIRED


async def test_it_expires_at_its_time_for_everybody() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        store = await place.store(one, two, expires_after=WEEK)
        batch = (await place.add_batch(store, two)).id
        await place.complete(store, one, "text")
        await place.clock.advance(7 * DAY - 1)
        assert (await place.shown(store)).status == pb.VECTOR_STORE_STATUS_IN_PROGRESS
        await place.clock.advance(1)
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: place.add(store, one),
            lambda: place.listed(store),
            lambda: place.get(store, one),
            lambda: place.add_batch(store, one),
            lambda: place.batch(store, batch),
            lambda: place.in_batch(store, batch),
            lambda: cancel(place, store, batch),
        ]
        for attended in (False, True):
            if attended:
                await place.attend()
            assert (await place.shown(store)).status == EXPIRED
            page = await place.rooms.stores.list(caller(), pb.ListVectorStoresRequest())
            assert [found.status for found in page.data] == [EXPIRED]
            for call in calls:
                with pytest.raises(StateConflict, match=rf"^Vector store '{store}' has expired\.$"):
                    await call()
        await place.delete_store(store)


async def test_what_it_was_searched_with_goes() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        store = await place.store(one, expires_after=WEEK)
        batch = (await place.add_batch(store, two)).id
        await place.complete(store, one, "text")
        await place.clock.advance(7 * DAY)
        await place.attend()
        await check_all(place)
        shown = await place.shown(store)
        assert shown.file_counts == pb.FileCounts(completed=1, cancelled=1, total=2)
        assert shown.usage_bytes == 0
        partition = tables.vector_store_partition(PROJECT, store)
        rows = await tables.vector_files.list(place.memory, partition, limit=9)
        assert not [row.id for row in rows if row.body.HasField("segment")]
        loose = await tables.loose_blobs.list(place.memory, partition, limit=9)
        assert len(loose) == 1
        row = await tables.vector_batches.get(place.memory, partition, batch)
        assert row is not None
        assert row.body.batch.file_counts.cancelled == 1


@pytest.mark.parametrize("attended", [False, True])
@pytest.mark.parametrize("cleared", [False, True])
async def test_nothing_revives_it(*, attended: bool, cleared: bool) -> None:
    async with open_place() as place:
        store = await place.store(expires_after=WEEK)
        expires_at = (await place.shown(store)).expires_at
        await place.clock.advance(8 * DAY)
        if attended:
            await place.attend()
        request = pb.ModifyVectorStoreRequest(vector_store_id=store, name="n")
        request.update_mask.paths.extend(["name", "expires_after"])
        if not cleared:
            request.expires_after.CopyFrom(WEEK)
            request.expires_after.days = 300
        after = await place.rooms.stores.modify(caller(), request)
        assert (after.status, after.name) == (EXPIRED, "n")
        assert after.expires_at == expires_at
        await place.attend()
        assert (await place.shown(store)).status == EXPIRED


async def test_use_moves_its_end_at_most_once_a_minute() -> None:
    async with open_place() as place:
        store = await place.store(expires_after=WEEK)
        shared = place.rooms.shared

        async def use() -> pb.VectorStore:
            found = await finding.find(place.memory, PROJECT, store)
            assert found is not None
            await expiry.touch(shared, found)
            return await place.shown(store)

        before = await place.shown(store)
        await place.clock.advance(expiry.TOUCH_EVERY - 1)
        assert await use() == before
        await place.clock.advance(1)
        after = await use()
        assert after.last_active_at == before.last_active_at + expiry.TOUCH_EVERY
        assert after.expires_at == after.last_active_at + 7 * DAY
        await place.clock.advance(7 * DAY - 1)
        await place.attend()
        assert (await place.shown(store)).status != EXPIRED
        await place.clock.advance(1)
        await place.attend()
        assert (await place.shown(store)).status == EXPIRED


async def test_a_use_that_comes_with_a_change_is_given_up() -> None:
    async with open_place() as place:
        store = await place.store(expires_after=WEEK)
        stale = await finding.find(place.memory, PROJECT, store)
        assert stale is not None
        request = pb.ModifyVectorStoreRequest(vector_store_id=store, name="n")
        await place.rooms.stores.modify(caller(), request)
        await place.clock.advance(100)
        await expiry.touch(place.rooms.shared, stale)
        assert (await place.shown(store)).name == "n"


async def test_a_change_of_its_days_moves_its_end() -> None:
    async with open_place() as place:
        store = await place.store(expires_after=WEEK)
        request = pb.ModifyVectorStoreRequest(vector_store_id=store)
        request.update_mask.paths.append("expires_after")
        await place.rooms.stores.modify(caller(), request)
        await place.clock.advance(30 * DAY)
        await place.attend()
        assert (await place.shown(store)).status == pb.VECTOR_STORE_STATUS_COMPLETED


async def test_a_batch_that_was_cancelled_stays_so() -> None:
    async with open_place() as place:
        one = await place.file()
        store = await place.store(expires_after=WEEK)
        batch = (await place.add_batch(store, one)).id
        assert (await cancel(place, store, batch)).status == STOPPED
        await place.clock.advance(8 * DAY)
        await place.attend()
        await check_all(place)
        assert (await place.shown(store)).file_counts.cancelled == 1
