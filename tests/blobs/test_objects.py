"""Blobs in an object store pass the suite, over a server that speaks like S3."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.blobs.s3 import S3Server
from tests.conformance.blobs import BlobConformance, Remains, kept, pieces
from understudy_server.blobs.objects import ObjectBlobs, WrongPlace
from understudy_server.blobs.port import Blobs
from understudy_server.errors import BlobsUnavailable

MB = 1024 * 1024


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.make_bucket()


@pytest.fixture
async def blobs(bucket: str) -> AsyncIterator[Blobs]:
    blobs = await ObjectBlobs.open(f"s3://{bucket}/some/prefix")
    yield blobs
    await blobs.close()


@pytest.fixture
def remains(s3: S3Server, bucket: str) -> Remains:
    async def remains() -> list[str]:
        return await asyncio.to_thread(s3.remains, bucket)

    return remains


class TestObjectBlobs(BlobConformance):
    @pytest.fixture
    def spare(self) -> int:
        return 64 * MB


async def test_objects_stand_under_the_prefix(blobs: Blobs, remains: Remains) -> None:
    await blobs.write("project/blob", pieces(b"x"))
    assert await remains() == ["some/prefix/project/blob"]


async def test_a_bucket_without_prefix(bucket: str, remains: Remains) -> None:
    blobs = await ObjectBlobs.open(f"s3://{bucket}")
    await blobs.write("project/blob", pieces(b"x"))
    assert await remains() == ["project/blob"]
    assert await kept(blobs, "project/blob") == b"x"


async def test_a_bucket_that_is_not_there(bucket: str) -> None:
    with pytest.raises(BlobsUnavailable):
        await ObjectBlobs.open(f"s3://{bucket}-other/prefix")


@pytest.mark.parametrize(
    "place", ["s3://", "s3:///prefix", "s3://bucket?key=value", "s3://key:secret@bucket/prefix"]
)
async def test_a_place_that_is_none(place: str) -> None:
    with pytest.raises(WrongPlace) as caught:
        await ObjectBlobs.open(place)
    assert "secret" not in str(caught.value)
