"""A core dies at any of its commits: what it began is done by another core, or has never been."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import pytest

from tests.server.vectors import test_promises as promised
from tests.server.vectors.test_batches import STOPPED, cancel
from tests.server.vectors.whole import check_all
from tests.server.vectors.world import PROJECT, Place, open_place
from tests.store.forwarding import ForwardingStore
from understudy_server.errors import DomainError, StateConflict
from understudy_server.store import tables
from understudy_server.store.port import Commit, Store, Version
from understudy_server.vectors import membership
from understudy_server.vectors.counting import IN_PROGRESS

COUNT = 100


class Died(Exception):
    """Nothing more is done."""


class MortalStore(ForwardingStore):
    """The store as a core sees it that dies at its ``last`` commit, before it or right after it."""

    def __init__(self, inner: Store, last: int, *, after: bool) -> None:
        super().__init__(inner)
        self.left = last
        self._after = after

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self._after):
            raise Died
        versions = await super().commit(commit)
        if self.left == 0:
            raise Died
        return versions


Work: TypeAlias = Callable[[Place], Awaitable[None]]
Prepare: TypeAlias = Callable[[Place], Awaitable[Work]]
"""Does what is to be there already, and gives what is to be interrupted; that again checks what it can see."""


async def a_store_with_files(place: Place) -> Work:
    ids = await place.many_files(20)

    async def work(place: Place) -> None:
        store = await place.store(*ids, key="k")
        assert sorted(await place.listed(store)) == sorted(ids)

    return work


async def a_file(place: Place) -> Work:
    one, store = await place.file(), await place.store()

    async def work(place: Place) -> None:
        await place.add(store, one, key="k")
        assert await place.listed(store) == [one]

    return work


async def a_batch(place: Place) -> Work:
    ids, store = await place.many_files(COUNT), await place.store()
    await place.add(store, ids[0])
    await place.complete(store, ids[0])

    async def work(place: Place) -> None:
        batch = await place.add_batch(store, *ids, key="k")
        assert batch.file_counts.total == COUNT
        assert batch.file_counts.completed == 1
        assert sorted(await place.in_batch(store, batch.id)) == sorted(ids)

    return work


async def a_cancellation(place: Place) -> Work:
    ids, store = await place.many_files(25), await place.store()
    batch = (await place.add_batch(store, *ids)).id
    await place.complete(store, ids[0])

    async def work(place: Place) -> None:
        with suppress(StateConflict):  # it was cancelled before
            await cancel(place, store, batch)
        assert (await place.batch(store, batch)).status == STOPPED
        assert await place.in_batch(store, batch, filter=IN_PROGRESS) == []

    return work


async def a_deletion(place: Place) -> Work:
    ids = await place.many_files(40)
    store = await place.store(*ids)
    await place.add_batch(store, *ids[:20])
    for id in ids[::2]:
        await place.complete(store, id)

    async def work(place: Place) -> None:
        try:
            await place.delete_store(store)
        except DomainError:
            assert "vector_store" not in await place.left(store)
        await place.attend()
        assert await place.left(store) <= {"vector-head", "loose-blob"}

    return work


async def a_removal(place: Place) -> Work:
    ids = await place.many_files(2)
    store = await place.store(*ids)
    await place.complete(store, ids[0])

    async def work(place: Place) -> None:
        await membership.remove_file(place.rooms.shared, PROJECT, store, ids[0])
        assert await place.listed(store) == [ids[1]]
        assert await place.pointers(ids[0]) == []

    return work


async def an_assistant_with_a_store(place: Place) -> Work:
    ids = await place.many_files(20)

    async def work(place: Place) -> None:
        made = await promised.assistant(place, promised.making(*ids), "k")
        await place.clock.advance(60)
        await place.attend()
        assert sorted(await place.listed(promised.store_of(made))) == sorted(ids)

    return work


async def a_thread_with_a_store(place: Place) -> Work:
    one, two = await place.many_files(2)

    async def work(place: Place) -> None:
        messages = [promised.message("Hi", (two, promised.SEARCH), (two, promised.CODE))]
        given = promised.making(one)
        made = await promised.thread(place, "k", tool_resources=given, messages=messages)
        assert list(made.tool_resources.code_interpreter.file_ids) == [two]
        await place.clock.advance(60)
        await place.attend()
        assert sorted(await place.listed(promised.store_of(made))) == sorted([one, two])

    return work


async def a_message_with_files(place: Place) -> Work:
    one, two = await place.many_files(2)
    thread = (await promised.thread(place)).id

    async def work(place: Place) -> None:
        await promised.say(place, thread, (one, promised.SEARCH), (two, promised.CODE), key="k")
        await place.clock.advance(60)
        await place.attend()
        found = await promised.resources(place, thread)
        (store,) = found.file_search.vector_store_ids
        assert await place.listed(store) == [one]
        assert list(found.code_interpreter.file_ids) == [two]

    return work


async def an_expiry(place: Place) -> Work:
    made = await promised.thread(place, tool_resources=promised.making(*await place.many_files(5)))
    store = promised.store_of(made)
    partition = tables.vector_store_partition(PROJECT, store)
    for row in await tables.vector_files.list(place.memory, partition, limit=3):
        await place.complete(store, row.id)

    async def work(place: Place) -> None:
        await place.clock.advance(8 * 24 * 3600)
        await place.attend()
        shown = await place.shown(store)
        assert (shown.usage_bytes, shown.file_counts.completed) == (0, 3)

    return work


SCENES: dict[str, Prepare] = {
    "a store with files": a_store_with_files,
    "a file": a_file,
    "a batch": a_batch,
    "a cancellation": a_cancellation,
    "a deletion": a_deletion,
    "a removal": a_removal,
    "an assistant with a store": an_assistant_with_a_store,
    "a thread with a store": a_thread_with_a_store,
    "a message with files": a_message_with_files,
    "an expiry": an_expiry,
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("again", [False, True], ids=["left", "repeated"])
@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_is_half_done(scene: str, *, again: bool, after: bool) -> None:
    """The client may come again with its key, at once, or never."""
    for last in range(1, 200):
        if await _lives_on(SCENES[scene], last, again=again, after=after):
            assert last > 1
            return
    raise AssertionError("it never ends")


async def _lives_on(prepare: Prepare, last: int, *, again: bool, after: bool) -> bool:
    """Whether the work ended before the core could die."""
    async with open_place() as place:
        work = await prepare(place)
        sound = place.rooms
        place.rooms = place.another(store=MortalStore(place.memory, last, after=after))
        died = False
        try:
            await work(place)
        except Died:
            died = True
        place.rooms = sound
        if again:
            await work(place)
        for _ in range(3):
            await place.clock.advance(100)
            await place.attend()
        await check_all(place)
        return not died
