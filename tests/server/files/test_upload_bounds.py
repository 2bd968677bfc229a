"""Uploads at their bounds: parts that meet a cancellation, too many bytes, too many parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.server.files.world import World
from tests.store.forwarding import ForwardingStore
from understudy.v1 import upload_pb2
from understudy_server.errors import DomainError, StateConflict, TooLarge
from understudy_server.files import uploading
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Commit, Put, Store, Version


@pytest.fixture
def world() -> World:
    return World()


class Meddling(ForwardingStore):
    """Does something else just before the first commit that adds a part."""

    def __init__(self, inner: Store, meddle: Callable[[], Awaitable[object]]) -> None:
        super().__init__(inner)
        self._meddle: Callable[[], Awaitable[object]] | None = meddle

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        kinds = [put.kind for put in commit.operations if isinstance(put, Put)]
        if any(kind.startswith("part/") for kind in kinds) and self._meddle is not None:
            meddle, self._meddle = self._meddle, None
            await meddle()
        return await self._inner.commit(commit)


@pytest.mark.parametrize("purged", [False, True])
async def test_a_part_that_meets_a_cancellation(world: World, purged: bool) -> None:
    other = world.core()
    upload = await other.upload(2)

    async def meddle() -> None:
        await other.cancel(upload.id)
        if purged:
            await other.attend()

    core = world.core(Meddling(world.store, meddle))
    with pytest.raises(StateConflict, match="status 'cancelled'"):
        await world.clock.run_until(_failing(core.add(upload.id, b"ab")))
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def _failing(call: Awaitable[str]) -> str:
    return await call


def allowance(size: int, *parts: int) -> int | str:
    used = 0
    try:
        for part in parts:
            used = uploading.allowance_after(used, part, upload_pb2.Upload(bytes=size))
    except DomainError as error:
        return type(error).__name__
    return used


MB = 1024 * 1024


def test_how_much_may_be_sent() -> None:
    assert allowance(8192 * MB, *[64 * MB] * 257) == 257 * 64 * MB
    assert allowance(8192 * MB, *[64 * MB] * 258) == "TooLarge"
    assert allowance(5, 64 * MB) == 64 * MB
    assert allowance(5, 64 * MB, 64 * MB) == "TooLarge"
    assert isinstance(allowance(5, *[1] * 9_999), int)
    assert allowance(5, *[1] * 10_001) == "TooLarge"
    assert isinstance(allowance(8192 * MB, *[MB] * 8_192), int)


async def test_too_many_bytes(world: World) -> None:
    core = world.core()
    upload = await core.upload(5)
    size = await tables.upload_sizes.get(world.store, tables.files_of("acme"), upload.id)
    assert size is not None
    size.body.bytes = 64 * MB + 10 - 3
    put = tables.upload_sizes.replace(size, size.body)
    await commit_new(world.store, tables.files_of("acme"), [put], world.clock)
    with pytest.raises(TooLarge, match="too many or too large"):
        await core.add(upload.id, b"x")
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)
