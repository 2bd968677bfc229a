"""What happens between two commits of one call, in partitions that know nothing of each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.server.vectors.whole import check_all
from tests.server.vectors.world import PROJECT, Place, open_place
from tests.store.forwarding import ForwardingStore
from understudy_server.errors import NotFound
from understudy_server.store import tables
from understudy_server.store.port import Commit, Store, Version
from understudy_server.vectors import membership


class DisturbedStore(ForwardingStore):
    """Something happens once, right before the first commit that touches records of a kind."""

    def __init__(self, inner: Store, kind: str, disturb: Callable[[], Awaitable[object]]) -> None:
        super().__init__(inner)
        self._kind = kind
        self._disturb: Callable[[], Awaitable[object]] | None = disturb

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        kinds = {getattr(operation, "kind", "") for operation in commit.operations}
        if self._disturb is not None and self._kind in kinds:
            disturb, self._disturb = self._disturb, None
            await disturb()
        return await super().commit(commit)


def disturb(place: Place, kind: str, what: Callable[[], Awaitable[object]]) -> None:
    """Whatever the place does from now on."""
    place.rooms = place.another(store=DisturbedStore(place.memory, kind, what))


async def delete_file(place: Place, file_id: str) -> None:
    """As its deletion does it."""
    await place.lose_file(file_id)
    for store in await place.pointers(file_id):
        await membership.remove_file(place.another().shared, PROJECT, store, file_id)


async def test_a_file_is_added_again_while_it_is_taken_out() -> None:
    """Its pointer was there when it was added, and goes afterwards."""
    async with open_place() as place:
        one = await place.file()
        store = await place.store(one)
        quiet = Place(place.world)
        disturb(place, tables.stores_with(one), lambda: quiet.add(store, one))
        assert await membership.remove_file(place.rooms.shared, PROJECT, store, one)
        assert await place.listed(store) == [one]
        assert await place.pointers(one) == [store]
        await check_all(place)


async def test_a_file_goes_while_a_store_is_filled() -> None:
    async with open_place() as place:
        ids = await place.many_files(3)
        disturb(place, tables.vector_files.kind, lambda: delete_file(place, ids[1]))
        store = await place.create_store(*ids)
        assert sorted(await place.listed(store.id)) == sorted([ids[0], ids[2]])
        assert store.file_counts.total == 2
        await check_all(place)


async def test_a_file_goes_while_a_batch_is_added() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(3), await place.store()
        disturb(place, tables.vector_files.kind, lambda: delete_file(place, ids[1]))
        batch = await place.add_batch(store, *ids)
        after = await place.batch(store, batch.id)
        assert (after.file_counts.in_progress, after.file_counts.cancelled) == (2, 1)
        await check_all(place)


async def test_a_file_goes_before_a_batch_is_added() -> None:
    """Between the check of all files and the commit that adds them."""
    async with open_place() as place:
        ids, store = await place.many_files(3), await place.store()
        disturb(place, tables.vector_batches.kind, lambda: delete_file(place, ids[1]))
        batch = await place.add_batch(store, *ids)
        assert (batch.file_counts.in_progress, batch.file_counts.cancelled) == (2, 1)
        await check_all(place)


async def test_a_store_goes_while_files_are_added() -> None:
    async with open_place() as place:
        ids, store = await place.many_files(3), await place.store()
        quiet = Place(place.world)
        disturb(place, tables.vector_files.kind, lambda: quiet.delete_store(store))
        with pytest.raises(NotFound, match=f"No vector store found with id '{store}'"):
            await place.add_batch(store, *ids)
        await place.attend()
        await check_all(place)
