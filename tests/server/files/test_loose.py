"""Announcements of bytes that have no name yet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.files.mortal import Fate, How, MortalStore
from tests.server.files.world import PLACE, World
from understudy_server.errors import Conflict, OutcomeUnknown
from understudy_server.files import loose
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Commit, Version


@pytest.fixture
def world() -> World:
    return World()


async def chunks() -> AsyncIterator[bytes]:
    yield b"content"


async def announced(world: World) -> list[str]:
    rows = await tables.loose_blobs.list(world.store, PLACE, limit=100)
    return [row.body.blob.key for row in rows]


def test_a_key_tells_nothing(world: World) -> None:
    key = loose.new_key(world.ids, "secret project")
    folder, _, name = key.partition("/")
    assert (len(folder), name) == (16, "blob_1")
    assert "secret" not in key
    assert loose.new_key(world.ids, "secret project").startswith(f"{folder}/")
    assert not loose.new_key(world.ids, "another").startswith(f"{folder}/")


async def test_an_announcement(world: World) -> None:
    row = await loose.announce(world.store, world.clock, world.ids, PLACE)
    stored = await tables.loose_blobs.get(world.store, PLACE, row.id)
    assert stored == row
    assert row.record.due == world.store.now() + loose.DAY


@pytest.mark.parametrize("how", [How.REFUSES, How.LOSES_ANSWER, How.LOSES_CALL, How.LATE])
async def test_a_try_of_unknown_outcome_is_never_repeated(world: World, how: How) -> None:
    fate = Fate(1, how)
    store = MortalStore(world.store, fate)
    row = await world.clock.run_until(loose.announce(store, world.clock, world.ids, PLACE))
    assert row.body.blob.key.endswith("/blob_2")
    await commit_new(world.store, PLACE, [loose.named(row)], world.clock)
    await fate.deliver()
    # What arrives late is about a blob that nobody wrote.
    assert row.body.blob.key not in await announced(world)


class Away(MortalStore):
    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        raise OutcomeUnknown("away")


async def test_patience_ends(world: World) -> None:
    with pytest.raises(OutcomeUnknown):
        await world.clock.run_until(
            loose.announce(Away(world.store, Fate()), world.clock, world.ids, PLACE)
        )
    assert world.clock.monotonic() <= loose.PATIENCE


async def test_a_writer_that_was_fenced_cannot_name_its_blob(world: World) -> None:
    shared = world.core().shared
    with pytest.raises(Conflict):
        async with loose.written(shared, PLACE, chunks()) as blob:
            await loose.discard(world.store, world.clock, world.blobs, blob.announcement)
            await commit_new(world.store, PLACE, [loose.named(blob.announcement)], world.clock)
    assert len(world.blobs) == 0
    await world.settle()
    assert await announced(world) == []


async def test_a_blob_that_was_named_is_not_discarded(world: World) -> None:
    shared = world.core().shared
    async with loose.written(shared, PLACE, chunks()) as blob:
        await commit_new(world.store, PLACE, [loose.named(blob.announcement)], world.clock)
    with pytest.raises(Conflict):
        await loose.discard(world.store, world.clock, world.blobs, blob.announcement)
    assert len(world.blobs) == 1


async def test_what_a_record_let_go_of(world: World) -> None:
    shared = world.core().shared
    async with loose.written(shared, PLACE, chunks()) as blob:
        await commit_new(world.store, PLACE, [loose.named(blob.announcement)], world.clock)
    put = loose.dropped(blob.blob, world.store.now())
    await commit_new(world.store, PLACE, [put], world.clock)
    await world.clock.run_until(world.core().attend())
    assert (len(world.blobs), await announced(world)) == (0, [])
