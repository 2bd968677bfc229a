"""A client that goes away at any moment, and stores that do anything: neither bytes nor records are left over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from tests.server.files.mortal import Fate, How, MortalBlobs
from tests.server.files.world import Core, World
from tests.store.hostile import HostileStore, Rates
from understudy_server.blobs.port import Blobs
from understudy_server.errors import (
    BlobsUnavailable,
    DomainError,
    NotFound,
    StoreError,
)

CONTENT = b"x" * 2_500


async def create(core: Core) -> None:
    await core.create(CONTENT)


async def upload(core: Core) -> None:
    begun = await core.upload(2_500)
    await core.complete(begun.id, [await core.add(begun.id, CONTENT)], None)


async def make_and_delete(core: Core) -> None:
    await core.delete((await core.create(CONTENT)).id)


@pytest.mark.parametrize("act", [create, upload, make_and_delete], ids=lambda act: act.__name__)
async def test_a_client_that_goes_away(act: Callable[[Core], Awaitable[None]]) -> None:
    for moment in range(400):
        world = World()
        calling = asyncio.ensure_future(act(world.core()))
        for _ in range(moment):
            await asyncio.sleep(0)
        ended = calling.done()
        calling.cancel()
        with suppress(asyncio.CancelledError):
            await world.clock.run_until(_wait(calling))
        await world.settle(48)
        assert await world.faults() == [], moment
        if ended:
            assert moment > 3
            return
    raise AssertionError("it never ended")


async def _wait(calling: asyncio.Future[None]) -> None:
    await asyncio.gather(calling, return_exceptions=True)


class Client:
    """Makes, reads and deletes, repeats what fails with the same key, and remembers what it was told."""

    def __init__(self, name: str, random: Random, cores: list[Core]) -> None:
        self._name = name
        self._random = random
        self._cores = cores
        self.files: dict[str, bytes] = {}
        self.deleted: set[str] = set()

    async def live(self, steps: int) -> None:
        for step in range(steps):
            with suppress(_GivenUpError):
                if self.files and self._random.random() < 0.3:
                    await self._delete()
                elif self._random.random() < 0.5:
                    await self._create(f"{self._name}-{step}")
                else:
                    await self._upload(f"{self._name}-{step}")

    async def _create(self, key: str) -> None:
        content = key.encode() * self._random.randint(1, 400)
        file = await self._insist(lambda core: core.create(content, key=key))
        self.files[file.id] = content

    async def _upload(self, key: str) -> None:
        contents = [f"{key}/{part}".encode() * 100 for part in range(self._random.randint(1, 4))]
        size = sum(map(len, contents))
        begun = await self._insist(lambda core: core.upload(size, key=key))
        parts = await asyncio.gather(*(self._add(begun.id, content) for content in contents))
        if self._random.random() < 0.2:
            await self._insist(lambda core: core.cancel(begun.id, repeated=True))
            return
        done = await self._insist(lambda core: core.complete(begun.id, parts))
        self.files[done.file.id] = b"".join(contents)

    async def _add(self, upload_id: str, content: bytes) -> Any:
        key = content[:20].decode()
        return await self._insist(lambda core: core.add(upload_id, content, key=key))

    async def _delete(self) -> None:
        id = self._random.choice(sorted(self.files))
        # From now on it may be gone, whatever is answered.
        del self.files[id]
        with suppress(NotFound):
            await self._insist(lambda core: core.delete(id))
        self.deleted.add(id)

    async def _insist(self, call: Callable[[Core], Awaitable[Any]]) -> Any:
        for _ in range(20):
            try:
                return await call(self._random.choice(self._cores))
            except (StoreError, BlobsUnavailable):
                continue
        raise _GivenUpError


class _GivenUpError(Exception):
    pass


class RestlessBlobs(MortalBlobs):
    """Now and then one call is refused, or its answer lost."""

    def __init__(self, inner: Blobs, random: Random) -> None:
        super().__init__(inner, _Moods(random))


class _Moods(Fate):
    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def next(self) -> How | None:
        if self._random.random() < 0.1:
            return self._random.choice([How.REFUSES, How.LOSES_ANSWER])
        return None


@pytest.mark.parametrize("seed", range(30))
async def test_histories(seed: int) -> None:
    """Two cores that also attend to what is due, four clients, a store and blobs that do what they like."""
    random = Random(f"files {seed}")
    world = World()
    hostile = HostileStore(world.store, random, world.clock, Rates())
    cores = [world.core(hostile, RestlessBlobs(world.blobs, random)) for _ in range(2)]
    clients = [Client(f"c{number}", random, cores) for number in range(4)]

    async def attend(core: Core) -> None:
        while True:
            with suppress(DomainError):
                await core.attend()
            await world.clock.sleep(random.uniform(0.5, 3))

    async def live() -> None:
        attending = [asyncio.create_task(attend(core)) for core in cores]
        await asyncio.gather(*(client.live(12) for client in clients))
        for task in attending:
            task.cancel()
        await asyncio.gather(*attending, return_exceptions=True)
        # What was given up arrives, if it still fits.
        while hostile.expects_late():
            await world.clock.sleep(1)

    await world.clock.run_until(live())
    for core in cores:
        await core.close()
    await world.settle()
    assert await world.faults() == []
    core = world.core()
    for client in clients:
        for id, content in client.files.items():
            assert await core.read(id) == content
        for id in client.deleted:
            with pytest.raises(NotFound):
                await core.get(id)
