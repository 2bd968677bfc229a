"""Uploads: begun, sent in parts, completed, cancelled, expired."""

from __future__ import annotations

import asyncio
import hashlib
from random import Random
from typing import Any

import pytest

from tests.server.files.world import DAY, World, as_caller, part_form
from understudy.v1 import file_pb2, upload_pb2
from understudy_server.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    StateConflict,
    TooLarge,
)


@pytest.fixture
def world() -> World:
    return World()


async def test_an_upload(world: World) -> None:
    core = world.core()
    upload = await core.upload(5_000)
    assert upload == upload_pb2.Upload(
        id=upload.id,
        bytes=5_000,
        created_at=1_700_000_000,
        filename="big.txt",
        purpose=file_pb2.FILE_PURPOSE_ASSISTANTS,
        status=upload_pb2.UPLOAD_STATUS_PENDING,
        expires_at=1_700_003_600,
    )
    first = await core.add(upload.id, b"1" * 2_000)
    second = await core.add(upload.id, b"2" * 3_000)
    assert (await core.list()).data == []
    await world.clock.advance(100)
    done = await core.complete(upload.id, [second, first])
    assert done.status == upload_pb2.UPLOAD_STATUS_COMPLETED
    assert done.file == file_pb2.File(
        id=done.file.id,
        bytes=5_000,
        created_at=1_700_000_100,
        filename="big.txt",
        purpose=file_pb2.FILE_PURPOSE_ASSISTANTS,
        status=file_pb2.FILE_STATUS_PROCESSED,
    )
    assert await core.get(done.file.id) == done.file
    assert await core.read(done.file.id) == b"2" * 3_000 + b"1" * 2_000
    # Nothing was copied, and nothing is after the traces are gone.
    assert len(world.blobs) == 2
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 2)
    assert await core.read(done.file.id) == b"2" * 3_000 + b"1" * 2_000
    await core.delete(done.file.id)
    assert (await world.faults(), len(world.blobs)) == ([], 0)


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_the_upload_is_named_anywhere(world: World, at: int) -> None:
    core = world.core()
    upload = await core.upload(2_000)
    part = await core.uploads.add_part(as_caller(), part_form(upload.id, b"x" * 2_000, at=at))
    await core.complete(upload.id, [part.id])


async def test_parts_at_the_same_time(world: World) -> None:
    cores = [world.core(), world.core()]
    contents = [Random(number).randbytes(3_000) for number in range(40)]
    upload = await cores[0].upload(120_000)
    ids = await world.clock.run_until(
        _gather(*(cores[n % 2].add(upload.id, content) for n, content in enumerate(contents)))
    )
    assert len(set(ids)) == 40
    digest = hashlib.md5(b"".join(contents)).hexdigest()
    done = await cores[1].complete(upload.id, ids, digest.upper())
    assert await cores[0].read(done.file.id) == b"".join(contents)
    await world.settle()
    assert await world.faults() == []


async def _gather(*work: object) -> list[str]:
    return await asyncio.gather(*work)  # type: ignore[call-overload, no-any-return]  # of coroutines


@pytest.mark.parametrize(
    ("change", "reason", "param"),
    [
        ({"bytes": 0}, "INTEGER_BELOW_MIN_VALUE", "bytes"),
        ({"mime_type": "nonsense"}, "INVALID_VALUE", "mime_type"),
        ({"mime_type": "text/"}, "INVALID_VALUE", "mime_type"),
        ({"mime_type": "text/pl ain"}, "INVALID_VALUE", "mime_type"),
        ({"filename": "a\x07"}, "INVALID_VALUE", "filename"),
        ({"filename": "  "}, "INVALID_VALUE", "filename"),
    ],
)
async def test_what_is_no_upload(
    world: World, change: dict[str, Any], reason: str, param: str
) -> None:
    size = change.pop("bytes", 5)
    assert isinstance(size, int)
    with pytest.raises(InvalidRequest) as caught:
        await world.core().upload(size, **change)
    assert (caught.value.reason, caught.value.param) == (reason, param)


@pytest.mark.parametrize(
    "mime_type",
    [
        "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "text/plain; charset=utf-8",
        "image/svg+xml",
        "text/jsonl",
    ],
)
async def test_types(world: World, mime_type: str) -> None:
    await world.core().upload(5, mime_type=mime_type)


async def test_an_upload_that_is_not_there(world: World) -> None:
    core = world.core()
    with pytest.raises(NotFound, match="No upload found with id 'upload_x'"):
        await core.add("upload_x", b"x")
    with pytest.raises(NotFound, match="No upload found with id 'upload_x'"):
        await core.uploads.add_part(as_caller(), part_form("upload_x", b"x", at=1))
    with pytest.raises(NotFound):
        await core.complete("upload_x", ["part_x"])
    with pytest.raises(NotFound):
        await core.cancel("upload_x")
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_uploads_of_another_project_do_not_exist(world: World) -> None:
    core = world.core()
    upload = await core.upload(1)
    with pytest.raises(NotFound):
        await core.uploads.add_part(as_caller(project="other"), part_form(upload.id, b"x"))
    with pytest.raises(NotFound):
        await core.uploads.cancel(
            as_caller(project="other"), upload_pb2.CancelUploadRequest(upload_id=upload.id)
        )


async def test_parts_that_are_none(world: World) -> None:
    core = world.core()
    upload = await core.upload(5)
    with pytest.raises(InvalidRequest, match="empty"):
        await core.add(upload.id, b"")
    with pytest.raises(InvalidRequest, match="metadata"):
        await core.uploads.add_part(as_caller(), part_form(None, b"x"))
    with pytest.raises(TooLarge, match="a part of an upload has at most 67108864 bytes"):
        await core.uploads.add_part(
            as_caller(), part_form(upload.id, bytes(64 * 1024 * 1024 + 1), piece=1024 * 1024)
        )
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_what_does_not_fit_together(world: World) -> None:
    core = world.core()
    upload = await core.upload(5)
    other = await core.add((await core.upload(5)).id, b"other")
    a, b = await core.add(upload.id, b"abc"), await core.add(upload.id, b"de")
    for part_ids, md5, param, words in [
        ([], None, "part_ids", "empty array"),
        ([a], None, "part_ids", "the parts hold 3 bytes, but"),
        ([a, a], None, "part_ids[1]", "is given more than once"),
        ([a, "part_x"], None, "part_ids[1]", "is not a part of this upload"),
        ([other], None, "part_ids[0]", "is not a part of this upload"),
        ([a, b], "0" * 32, "md5", "the parts have the checksum"),
        ([b, a], hashlib.md5(b"abcde").hexdigest(), "md5", "the parts have the checksum"),
        ([a, b], "nonsense", "md5", "expected 32 hexadecimal digits"),
    ]:
        with pytest.raises(InvalidRequest) as caught:
            await core.complete(upload.id, part_ids, md5)
        assert caught.value.param == param
        assert words in caught.value.message
    # None of that has ended it.
    done = await core.complete(upload.id, [a, b], hashlib.md5(b"abcde").hexdigest())
    assert await core.read(done.file.id) == b"abcde"


async def test_parts_that_are_not_used_are_removed(world: World) -> None:
    core = world.core()
    upload = await core.upload(2)
    await core.add(upload.id, b"xy")
    used = await core.add(upload.id, b"ab")
    done = await core.complete(upload.id, [used])
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 1)
    assert await core.read(done.file.id) == b"ab"


async def test_an_upload_with_many_parts(world: World) -> None:
    core = world.core()
    upload = await core.upload(230)
    ids = [await core.add(upload.id, bytes([number])) for number in range(230)]
    done = await core.complete(upload.id, ids[::-1])
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 230)
    assert await core.read(done.file.id) == bytes(range(230))[::-1]
    await core.delete(done.file.id)
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_a_completion_that_is_repeated(world: World) -> None:
    core = world.core()
    upload = await core.upload(2)
    part = await core.add(upload.id, b"ab")
    done = await core.complete(upload.id, [part])
    assert await core.complete(upload.id, [part]) == done
    await world.settle()
    assert await world.core().complete(upload.id, [part]) == done
    assert len((await core.list()).data) == 1


async def test_completions_at_the_same_time(world: World) -> None:
    cores = [world.core() for _ in range(5)]
    upload = await cores[0].upload(2)
    part = await cores[0].add(upload.id, b"ab")

    async def all_at_once() -> list[upload_pb2.Upload]:
        return await asyncio.gather(*(core.complete(upload.id, [part]) for core in cores))

    done = await world.clock.run_until(all_at_once())
    assert all(each == done[0] for each in done)
    assert len((await cores[0].list()).data) == 1


async def test_a_cancelled_upload(world: World) -> None:
    core = world.core()
    upload = await core.upload(2)
    part = await core.add(upload.id, b"ab")
    cancelled = await core.cancel(upload.id)
    assert cancelled.status == upload_pb2.UPLOAD_STATUS_CANCELLED
    for verb, call in [
        ("complete", core.complete(upload.id, [part])),
        ("add parts to", core.add(upload.id, b"x")),
        ("cancel", core.cancel(upload.id)),
    ]:
        with pytest.raises(StateConflict) as caught:
            await call
        assert caught.value.message == f"Cannot {verb} upload with status 'cancelled'."
    # A lost answer is given again.
    assert await core.cancel(upload.id, repeated=True) == cancelled
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_a_completed_upload_stays_so(world: World) -> None:
    core = world.core()
    upload = await core.upload(2)
    await core.complete(upload.id, [await core.add(upload.id, b"ab")])
    for call in (core.cancel(upload.id), core.add(upload.id, b"x")):
        with pytest.raises(StateConflict, match="status 'completed'"):
            await call
    await world.clock.advance(2 * 3_600)
    with pytest.raises(StateConflict, match="status 'completed'"):
        await core.cancel(upload.id)


@pytest.mark.parametrize("attended", [False, True])
async def test_an_expired_upload(world: World, attended: bool) -> None:
    core = world.core()
    upload = await core.upload(2, key="once")
    part = await core.add(upload.id, b"ab")
    await world.clock.advance(3_599)
    assert (await core.upload(2, key="once")).status == upload_pb2.UPLOAD_STATUS_PENDING
    await world.clock.advance(1)
    if attended:
        await world.clock.run_until(core.attend())
        assert len(world.blobs) == 0
    assert (await core.upload(2, key="once")).status == upload_pb2.UPLOAD_STATUS_EXPIRED
    for call in (
        core.complete(upload.id, [part]),
        core.add(upload.id, b"x"),
        core.cancel(upload.id),
    ):
        with pytest.raises(StateConflict, match="status 'expired'"):
            await call
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_expiry_of_the_file_counts_from_the_completion(world: World) -> None:
    core = world.core()
    after = file_pb2.FileExpirationAfter(
        anchor=file_pb2.FILE_EXPIRATION_ANCHOR_CREATED_AT, seconds=7_200
    )
    upload = await core.upload(2, expires_after=after)
    part = await core.add(upload.id, b"ab")
    await world.clock.advance(1_000)
    done = await core.complete(upload.id, [part])
    assert done.file.expires_at == 1_700_001_000 + 7_200
    batch = await core.upload(1, purpose=file_pb2.UPLOAD_PURPOSE_BATCH)
    done = await core.complete(batch.id, [await core.add(batch.id, b"x")])
    assert done.file.expires_at == 1_700_001_000 + 30 * DAY
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 1)


async def test_idempotency_keys(world: World) -> None:
    core = world.core()
    upload = await core.upload(2, key="once")
    assert await core.upload(2, key="once") == upload
    with pytest.raises(IdempotencyMismatch):
        await core.upload(3, key="once")
    part = await core.add(upload.id, b"ab", key="part")
    assert await core.add(upload.id, b"ab", key="part") == part
    with pytest.raises(IdempotencyMismatch):
        await core.add(upload.id, b"cd", key="part")
    assert await core.add(upload.id, b"ab", key="other") != part
    await core.complete(upload.id, [part])
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 1)


async def test_a_part_that_ends_after_its_upload(world: World) -> None:
    core = world.core()
    upload = await core.upload(2)

    async def slow() -> object:
        yield upload_pb2.AddUploadPartRequest(
            metadata=upload_pb2.NewUploadPart(upload_id=upload.id)
        )
        yield upload_pb2.AddUploadPartRequest(data=b"a")
        await core.cancel(upload.id)
        yield upload_pb2.AddUploadPartRequest(data=b"b")

    with pytest.raises(StateConflict, match="status 'cancelled'"):
        await core.uploads.add_part(as_caller(), slow())  # type: ignore[arg-type]  # it is one
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)
