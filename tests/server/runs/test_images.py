"""Images that are files, on their way into a model request."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from tests.clock import FakeClock
from understudy.v1 import file_pb2
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.models import port as model
from understudy_server.runs import images, tokens
from understudy_server.runs.images import Images, StoredImage
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.memory import MemoryStore
from understudy_server.store.v1.records_pb2 import Blob, FileRecord

PROJECT = "alpha"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(100)
Detail = Literal["auto", "low", "high"]


def url_of(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def stored(file_id: str, detail: Detail = "auto") -> StoredImage:
    return StoredImage(file_id=file_id, detail=detail)


def request(*messages: tuple[model.Part, ...]) -> model.ModelRequest:
    items = tuple(model.Message(role="user", parts=parts) for parts in messages)
    return model.ModelRequest(model="m", items=items)


async def _chunks(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Album:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.blobs = MemoryBlobs()
        self.images = Images(self.store, self.blobs)

    async def add(
        self, id: str, *pieces: bytes, project: str = PROJECT, size: int = 0, expires: int = 0
    ) -> None:
        """A file of these pieces; ``size`` is what it is said to have, if not what it has."""
        record = FileRecord(file=file_pb2.File(id=id, bytes=size or sum(map(len, pieces))))
        if expires:
            record.file.expires_at = expires
        for number, piece in enumerate(pieces):
            key = f"folder/{id}-{number}"
            await self.blobs.write(key, _chunks([piece]))
            record.pieces.append(Blob(key=key, bytes=len(piece)))
        put = tables.files.put(id, record, expected=None, order=0)
        await commit_new(self.store, tables.files_of(project), [put], self.clock)

    async def show(self, *messages: tuple[model.Part, ...]) -> list[model.Part]:
        shown = await self.images.show(PROJECT, request(*messages))
        return [part for item in shown.items for part in _parts(item)]


def _parts(item: model.Item) -> tuple[model.Part, ...]:
    assert isinstance(item, model.Message)
    return item.parts


@pytest.fixture
def album() -> Album:
    return Album()


async def test_bytes_become_data_urls(album: Album) -> None:
    await album.add("file-a", PNG)
    await album.add("file-b", JPEG[:5], JPEG[5:])
    text = model.Text(text="Look")
    other = model.Image(url="https://x/y.png", detail="low")
    assert await album.show((text, stored("file-a", "high"), other), (stored("file-b"),)) == [
        text,
        model.Image(url=url_of("png", PNG), detail="high"),
        other,
        model.Image(url=url_of("jpeg", JPEG), detail="auto"),
    ]


async def test_a_request_without_them_is_the_same(album: Album) -> None:
    plain = model.ModelRequest(
        model="m",
        items=(
            model.Message(role="user", parts=(model.Image(url="https://x/y.png"),)),
            model.ToolOutput(call_id="c", output="o"),
        ),
    )
    assert await album.images.show(PROJECT, plain) is plain


async def test_one_file_in_several_places(album: Album) -> None:
    await album.add("file-a", PNG)
    shown = await album.show((stored("file-a", "low"), stored("file-a", "high")))
    assert [part.detail for part in shown if isinstance(part, model.Image)] == ["low", "high"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF87a...", "image/gif"),
        (b"GIF89a...", "image/gif"),
        (WEBP, "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"%PDF-1.7", None),
        (b"BM......", None),
        (PNG[:7], None),
        (b"", None),
    ],
)
def test_kinds(content: bytes, kind: str | None) -> None:
    assert images.kind_of(content) == kind


async def told(album: Album, file_id: str) -> str:
    (part,) = await album.show((stored(file_id),))
    assert isinstance(part, model.Text)
    return part.text


async def test_what_cannot_be_shown_is_told(album: Album) -> None:
    await album.add("file-text", b"hello, I am no image", bytes(1000))
    await album.add("file-large", PNG, size=images.LARGEST + 1)
    await album.add("file-old", PNG, expires=1)
    await album.add("file-foreign", PNG, project="beta")
    await album.add("file-lost", PNG)
    await album.blobs.delete("folder/file-lost-0")
    for file_id, why in (
        ("file-none", "the file does not exist any more"),
        ("file-old", "the file does not exist any more"),
        ("file-foreign", "the file does not exist any more"),
        ("file-text", "the file is not a PNG, JPEG, GIF or WebP image"),
        ("file-large", "the file has 20971521 bytes, and at most 20971520 are shown"),
        ("file-lost", "the file cannot be read at the moment"),
    ):
        assert await told(album, file_id) == f"[The image {file_id} cannot be shown: {why}.]"


async def test_of_what_is_no_image_only_the_beginning_is_read(album: Album) -> None:
    await album.add("file-a", bytes(1000), b"x")
    await album.blobs.delete("folder/file-a-1")
    assert "not a PNG" in await told(album, "file-a")


async def test_of_too_many_the_newest_are_shown(album: Album) -> None:
    album.images = Images(album.store, album.blobs, most=2 * len(PNG) + 10)
    names = [f"file-{number}" for number in range(4)]
    for name in names:
        await album.add(name, PNG)
    shown = await album.show(*((stored(name),) for name in names))
    assert [isinstance(part, model.Image) for part in shown] == [False, False, True, True]
    assert isinstance(shown[0], model.Text)
    assert "no room" in shown[0].text


def test_an_image_costs_what_one_by_its_address_costs() -> None:
    by_file = model.Message(role="user", parts=(stored("file-a", "low"), stored("file-a")))
    by_url = model.Message(
        role="user",
        parts=(model.Image(url="https://x", detail="low"), model.Image(url="https://x")),
    )
    assert tokens.of_item(by_file) == tokens.of_item(by_url)
