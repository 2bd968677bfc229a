"""Images that messages hold as files: their bytes become part of what the model is sent, as data URLs.

A picture that cannot be shown never breaks a run: the model is told in its place why it does not see it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from understudy_server.blobs.port import Blobs
from understudy_server.errors import BlobMissing, BlobsUnavailable
from understudy_server.files import reading
from understudy_server.models import port as model
from understudy_server.store.port import Store
from understudy_server.store.v1.records_pb2 import FileRecord

LARGEST = 20 * 1024 * 1024
"""Bytes of one image."""
MOST = 50 * 1024 * 1024
"""Bytes of all images of one model request."""
_NEEDED = 16
"""Bytes by which a kind is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage(model.Image):
    """An image whose bytes have not been read yet."""

    url: str = ""
    file_id: str


class Images:
    """Reads images from where files are kept."""

    def __init__(self, store: Store, blobs: Blobs, *, most: int = MOST) -> None:
        self._store = store
        self._blobs = blobs
        self._most = most

    async def show(self, project: str, request: model.ModelRequest) -> model.ModelRequest:
        """The request without ``StoredImage``s. The newest images are read first, in case there are too many.

        Raises ``StoreError``.
        """
        left = self._most
        parts: dict[str, model.Part] = {}
        for image in reversed([*_stored(request)]):
            if image.file_id not in parts:
                content = await self._content(project, image.file_id, left)
                if isinstance(content, model.Text):
                    parts[image.file_id] = content
                else:
                    left -= len(content)
                    url = f"data:{kind_of(content)};base64,{base64.b64encode(content).decode()}"
                    parts[image.file_id] = model.Image(url=url)
        if not parts:
            return request
        return replace(request, items=tuple(_filled(item, parts) for item in request.items))

    async def _content(self, project: str, file_id: str, left: int) -> bytes | model.Text:
        """Or why not."""
        row = await reading.find(self._store, project, file_id)
        if row is None:
            return _told(file_id, "the file does not exist any more")
        size = row.body.file.bytes
        if size > LARGEST:
            return _told(file_id, f"the file has {size} bytes, and at most {LARGEST} are shown")
        if size > left:
            return _told(file_id, "the newer images leave no room for it")
        try:
            content = await self._read(row.body)
        except (BlobMissing, BlobsUnavailable):
            return _told(file_id, "the file cannot be read at the moment")
        if kind_of(content) is None:
            return _told(file_id, "the file is not a PNG, JPEG, GIF or WebP image")
        return content

    async def _read(self, record: FileRecord) -> bytes:
        """As much as tells that it is no image, or all."""
        found = bytearray()
        async with aclosing(reading.content(self._blobs, record)) as chunks:
            async for chunk in chunks:
                found += chunk
                if len(found) >= _NEEDED and kind_of(found) is None:
                    break
        return bytes(found)


def kind_of(content: bytes | bytearray) -> str | None:
    """The media type, by the first bytes; None for what is no image that models see."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def _told(file_id: str, why: str) -> model.Text:
    return model.Text(text=f"[The image {file_id} cannot be shown: {why}.]")


def _stored(request: model.ModelRequest) -> Iterator[StoredImage]:
    for item in request.items:
        if isinstance(item, model.Message):
            yield from (part for part in item.parts if isinstance(part, StoredImage))


def _filled(item: model.Item, found: dict[str, model.Part]) -> model.Item:
    if not isinstance(item, model.Message):
        return item
    return replace(item, parts=tuple(_shown(part, found) for part in item.parts))


def _shown(part: model.Part, found: dict[str, model.Part]) -> model.Part:
    if not isinstance(part, StoredImage):
        return part
    filled = found[part.file_id]
    # One text, however often it is there.
    return replace(filled, detail=part.detail) if isinstance(filled, model.Image) else filled
