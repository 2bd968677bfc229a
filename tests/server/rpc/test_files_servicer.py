"""FilesService as gRPC callers meet it, with the core that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc import aio

from tests.clock import FakeClock
from understudy.v1.file_pb2 import (
    CreateFileRequest,
    DeleteFileRequest,
    FileExpirationAfter,
    FileExpirationAnchor,
    FilePurpose,
    GetFileContentRequest,
    GetFileRequest,
    ListFilesRequest,
    NewFile,
    UploadPurpose,
)
from understudy.v1.files_service_pb2_grpc import FilesServiceStub
from understudy.v1.upload_pb2 import (
    AddUploadPartRequest,
    CancelUploadRequest,
    CompleteUploadRequest,
    CreateUploadRequest,
    NewUploadPart,
    UploadStatus,
)
from understudy_server.config import CoreConfig
from understudy_server.local import local
from understudy_server.store import tables
from understudy_server.store.memory import MemoryStore

if TYPE_CHECKING:
    from understudy.v1.files_service_pb2_grpc import FilesServiceAsyncStub

NEW = NewFile(filename="notes.txt", purpose=UploadPurpose.UPLOAD_PURPOSE_ASSISTANTS)
CONTENT = bytes(range(256)) * 4_000


def form(new: NewFile, content: bytes) -> Iterator[CreateFileRequest]:
    yield CreateFileRequest(metadata=new)
    for at in range(0, len(content), 300_000):
        yield CreateFileRequest(data=content[at : at + 300_000])


def part(upload_id: str, content: bytes) -> Iterator[AddUploadPartRequest]:
    yield AddUploadPartRequest(metadata=NewUploadPart(upload_id=upload_id))
    yield AddUploadPartRequest(data=content)


def bytes_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def lose_all(folder: Path) -> None:
    for path in folder.rglob("*/*"):
        path.unlink()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
async def stub(folder: Path) -> AsyncIterator[FilesServiceAsyncStub]:
    config = CoreConfig(blobs=str(folder), embeddings="none", auth=False)
    async with local(config=config, copy=True) as channel:
        yield FilesServiceStub(channel)


async def read(stub: FilesServiceAsyncStub, id: str) -> bytes:
    call = stub.GetFileContent(GetFileContentRequest(file_id=id))
    first, *others = [message async for message in call]
    assert first.file.id == id
    return b"".join(message.data for message in others)


async def test_a_file_from_its_creation_to_its_end(
    stub: FilesServiceAsyncStub, folder: Path
) -> None:
    file = await stub.CreateFile(form(NEW, CONTENT))
    assert (file.bytes, file.filename) == (len(CONTENT), "notes.txt")
    assert await stub.GetFile(GetFileRequest(file_id=file.id)) == file
    listed = await stub.ListFiles(ListFilesRequest(purpose=FilePurpose.FILE_PURPOSE_ASSISTANTS))
    assert (list(listed.data), listed.first_id, listed.has_more) == ([file], file.id, False)
    assert await read(stub, file.id) == CONTENT
    assert len(bytes_in(folder)) == 1
    answer = await stub.DeleteFile(DeleteFileRequest(file_id=file.id))
    assert (answer.id, answer.deleted) == (file.id, True)
    assert bytes_in(folder) == []
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.GetFile(GetFileRequest(file_id=file.id))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_upload_from_its_creation_to_its_file(stub: FilesServiceAsyncStub) -> None:
    request = CreateUploadRequest(
        filename="big.bin",
        purpose=UploadPurpose.UPLOAD_PURPOSE_USER_DATA,
        bytes=6,
        mime_type="application/octet-stream",
    )
    upload = await stub.CreateUpload(request)
    parts = await asyncio.gather(
        *(stub.AddUploadPart(part(upload.id, data)) for data in (b"abc", b"def"))
    )
    done = await stub.CompleteUpload(
        CompleteUploadRequest(upload_id=upload.id, part_ids=[each.id for each in parts])
    )
    assert await read(stub, done.file.id) == b"abcdef"
    other = await stub.CreateUpload(request)
    cancelled = await stub.CancelUpload(CancelUploadRequest(upload_id=other.id))
    assert cancelled.status == UploadStatus.UPLOAD_STATUS_CANCELLED


async def test_content_that_is_lost_is_an_error_before_the_first_message(
    stub: FilesServiceAsyncStub, folder: Path
) -> None:
    file = await stub.CreateFile(form(NEW, b"x"))
    lose_all(folder)
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.GetFileContent(GetFileContentRequest(file_id=file.id)).read()
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_a_place_that_is_away_is_an_error_that_passes(
    stub: FilesServiceAsyncStub, folder: Path
) -> None:
    (folder / ".begun").rename(folder / "elsewhere")
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.CreateFile(form(NEW, b"x"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert str(folder) not in (caught.value.details() or "")
    (folder / "elsewhere").rename(folder / ".begun")
    await stub.CreateFile(form(NEW, b"x"))


async def test_what_is_due_is_done_by_the_core_itself() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    after = FileExpirationAfter(
        anchor=FileExpirationAnchor.FILE_EXPIRATION_ANCHOR_CREATED_AT, seconds=3_600
    )
    new = NewFile(filename="a", purpose=NEW.purpose, expires_after=after)
    config = CoreConfig(embeddings="none", auth=False)

    async def kinds() -> set[str]:
        return {
            record.kind.partition("/")[0]
            for record in await store.list(tables.files_of("default"), None, limit=100)
        }

    async def live() -> None:
        async with local(config=config, store=store, clock=clock) as channel:
            stub = FilesServiceStub(channel)
            await stub.CreateFile(form(new, b"expires"))
            upload = await stub.CreateUpload(
                CreateUploadRequest(
                    filename="a", purpose=NEW.purpose, bytes=3, mime_type="text/plain"
                )
            )
            await stub.AddUploadPart(part(upload.id, b"abc"))
            assert await kinds() == {"file", "file-for", "upload", "upload-size", "part"}
            await clock.sleep(3_600)
            while await kinds() != {"upload"}:
                await clock.sleep(1)

    await clock.run_until(live())
