"""Wherever a core dies, and whichever answer is lost: in the end no record is without bytes, no bytes are without a
record, what was acknowledged is there and whole, and what was deleted is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.server.files.mortal import DeadError, Fate, How, MortalBlobs, MortalStore
from tests.server.files.world import NEW, Core, World
from understudy.v1 import file_pb2, upload_pb2
from understudy_server.errors import (
    BlobsUnavailable,
    Conflict,
    NotFound,
    StateConflict,
    StoreError,
)

CONTENT = b"x" * 2_500
EXPIRING = file_pb2.NewFile(filename="a", purpose=file_pb2.UPLOAD_PURPOSE_VISION)
EXPIRING.expires_after.anchor = file_pb2.FILE_EXPIRATION_ANCHOR_CREATED_AT
EXPIRING.expires_after.seconds = 3_600


@dataclass
class Told:
    """What the client knows."""

    files: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    prepared: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """``prepare`` happens without faults; ``act`` is repeated by the client, on another core, if it fails."""

    name: str
    prepare: Callable[[Core, Told], Coroutine[Any, Any, None]]
    act: Callable[[Core, Told], Coroutine[Any, Any, None]]


async def nothing(core: Core, told: Told) -> None:
    pass


async def create(core: Core, told: Told) -> None:
    told.files[(await core.create(CONTENT)).id] = CONTENT


async def create_with_key(core: Core, told: Told) -> None:
    told.files[(await core.create(CONTENT, key="once")).id] = CONTENT


async def make(core: Core, told: Told) -> None:
    told.prepared["file"] = [(await core.create(CONTENT, key="made")).id]


async def delete(core: Core, told: Told) -> None:
    (id,) = told.prepared["file"]
    with suppress(NotFound):  # It was deleted, and the answer was lost.
        await core.delete(id)
    told.deleted.append(id)


async def begin(core: Core, told: Told) -> None:
    upload = await core.upload(5)
    told.prepared["upload"] = [upload.id]
    told.prepared["parts"] = [await core.add(upload.id, b"abc"), await core.add(upload.id, b"de")]
    await core.add(upload.id, b"xyz")


async def upload(core: Core, told: Told) -> None:
    upload = await core.upload(5, key="upload")
    parts = told.prepared.setdefault("parts", [])
    for data in (b"abc", b"de")[len(parts) :]:
        parts.append(await core.add(upload.id, data, key=data.decode()))
    done = await core.complete(upload.id, parts)
    told.files[done.file.id] = b"abcde"


async def add(core: Core, told: Told) -> None:
    (upload_id,) = told.prepared["upload"]
    await core.add(upload_id, b"more")


async def complete(core: Core, told: Told) -> None:
    (upload_id,) = told.prepared["upload"]
    done = await core.complete(
        upload_id, told.prepared["parts"], "ab56b4d92b40713acc5af89985d4b786"
    )
    assert done.status == upload_pb2.UPLOAD_STATUS_COMPLETED
    told.files[done.file.id] = b"abcde"


async def cancel(core: Core, told: Told) -> None:
    (upload_id,) = told.prepared["upload"]
    try:
        await core.cancel(upload_id, repeated=True)
    except StateConflict as error:
        raise AssertionError from error


async def make_ended(core: Core, told: Told) -> None:
    """Work for the attendants: everything that can be due."""
    await begin(core, told)
    await complete(core, told)
    await core.create(CONTENT, new=EXPIRING, key="expires")
    given_up = await core.upload(3)
    await core.add(given_up.id, b"abc")
    await core.cancel(given_up.id)
    expired = await core.upload(3)
    await core.add(expired.id, b"abc")
    await core.shared.clock.advance(3_600)  # type: ignore[attr-defined]  # a test's clock


async def attend(core: Core, told: Told) -> None:
    await core.attend()


SCENES = [
    Scene("create", nothing, create),
    Scene("create with a key", nothing, create_with_key),
    Scene("delete", make, delete),
    Scene("upload", nothing, upload),
    Scene("add a part", begin, add),
    Scene("complete", begin, complete),
    Scene("cancel", begin, cancel),
    Scene("attend", make_ended, attend),
]


@pytest.mark.parametrize("hours", [0, 6])
@pytest.mark.parametrize("how", How, ids=lambda how: how.name.lower())
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_at_every_operation(scene: Scene, how: How, hours: int) -> None:
    """``hours``: until what was given up for lost arrives."""
    if hours and how is not How.LATE:
        return
    at = 0
    while True:
        at += 1
        world, told, fate = World(), Told(), Fate(at, how)
        await scene.prepare(world.core(), told)
        doomed = world.core(MortalStore(world.store, fate), MortalBlobs(world.blobs, fate))
        await _act(world, doomed, scene, told)
        if fate.count < at:
            assert at > 2, "the scene does something"
            return
        await world.settle(hours)
        await fate.deliver()
        await world.settle()
        where = f"operation {at} {how.name}"
        assert await world.faults() == [], where
        await _check(world, told, where)


async def _act(world: World, doomed: Core, scene: Scene, told: Told) -> None:
    for core in (doomed, world.core()):
        try:
            await world.clock.run_until(scene.act(core, told))
        except (DeadError, StoreError, BlobsUnavailable):
            continue
        return
    raise AssertionError("a core without faults does what it is asked for")


async def _check(world: World, told: Told, where: str) -> None:
    core = world.core()
    for id, content in told.files.items():
        assert await core.read(id) == content, where
    for id in told.deleted:
        with pytest.raises(NotFound):
            await core.get(id)
    listed = {file.id for file in (await core.list()).data}
    assert listed >= set(told.files), where
    assert not listed & set(told.deleted), where


async def test_a_key_makes_one_file_whatever_happens() -> None:
    for how in How:
        for at in range(1, 20):
            world, told, fate = World(), Told(), Fate(at, how)
            doomed = world.core(MortalStore(world.store, fate), MortalBlobs(world.blobs, fate))
            scene = Scene("", nothing, create_with_key)
            await _act(world, doomed, scene, told)
            await world.clock.run_until(create_with_key(world.core(), told))
            await fate.deliver()
            await world.settle()
            assert len(told.files) == 1
            assert [file.id for file in (await world.core().list()).data] == list(told.files)


async def test_conflicts_of_two_that_delete() -> None:
    world = World()
    one, two = world.core(), world.core()
    file = await one.create(CONTENT, new=NEW)

    async def both() -> Sequence[object]:
        return await asyncio.gather(
            one.delete(file.id), two.delete(file.id), return_exceptions=True
        )

    answers = await world.clock.run_until(both())
    assert None in answers
    assert all(answer is None or isinstance(answer, NotFound) for answer in answers)
    assert not any(isinstance(answer, Conflict) for answer in answers)
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)
