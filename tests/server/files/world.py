"""Files and uploads on any number of cores over one store and one place of blobs, without a network.

world = World()
core = world.core()                       # or with a store and blobs that fail
file = await core.create(b"content")
await world.settle()                      # days pass; everything that is due is attended to
assert await world.faults() == []
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

from tests.clock import FakeClock
from tests.server.runs.world import NumberedIds
from understudy.v1 import file_pb2, upload_pb2
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.blobs.port import Blobs
from understudy_server.clock import Clock
from understudy_server.files.assembly import open_files
from understudy_server.files.purposes import word
from understudy_server.files.reading import content
from understudy_server.ids import Ids
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.files import Files
from understudy_server.rpc.uploads import Uploads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Partition, Store
from understudy_server.tools.none import NoFunctions

PROJECT = "acme"
PLACE = tables.files_of(PROJECT)
DAY = 24 * 3600

LEFT = (
    tables.loose_blobs.kind,
    tables.removals.kind,
    tables.upload_sizes.kind,
    "part/",
    "store-with/",
)
"""Kinds of which nothing is left in the end."""

ASSISTANTS = file_pb2.UPLOAD_PURPOSE_ASSISTANTS
NEW = file_pb2.NewFile(filename="notes.txt", purpose=ASSISTANTS)


def as_caller(key: str | None = None, project: str = PROJECT, *, repeated: bool = False) -> Caller:
    return Caller(
        project=project, key_id="", request_id="req", idempotency_key=key, repeated=repeated
    )


class Core:
    """The operations, as a client calls them."""

    def __init__(
        self, store: Store, blobs: Blobs, clock: Clock, ids: Ids, *, limit: int, downloads: bool
    ) -> None:
        self.left: list[tuple[str, str]] = []
        """Which files were taken out of which vector stores."""
        self.shared = Collaborators(
            store=store,
            blobs=blobs,
            clock=clock,
            ids=ids,
            models=cast("Any", None),
            history=cast("Any", None),
            functions=NoFunctions(),
        )
        self._stack = AsyncExitStack()
        self.room = open_files(self.shared, self._leave, self._stack)
        self.files = Files(self.shared, self.room.removal, limit=limit, downloads=downloads)
        self.uploads = Uploads(self.shared)

    async def create(
        self,
        data: bytes,
        *,
        new: file_pb2.NewFile = NEW,
        key: str | None = None,
        project: str = PROJECT,
    ) -> file_pb2.File:
        return await self.files.create(as_caller(key, project), form(new, data))

    async def list(self, **request: Any) -> file_pb2.ListFilesResponse:
        return await self.files.list(as_caller(), file_pb2.ListFilesRequest(**request))

    async def get(self, id: str, project: str = PROJECT) -> file_pb2.File:
        return await self.files.get(as_caller(project=project), file_pb2.GetFileRequest(file_id=id))

    async def delete(self, id: str, project: str = PROJECT) -> None:
        await self.files.delete(as_caller(project=project), file_pb2.DeleteFileRequest(file_id=id))

    async def read(self, id: str, project: str = PROJECT) -> bytes:
        request = file_pb2.GetFileContentRequest(file_id=id)
        async with aclosing(self.files.content(as_caller(project=project), request)) as parts:
            first = await anext(parts)
            assert first.file.id == id
            return b"".join([part.data async for part in parts])

    async def upload(self, size: int, *, key: str | None = None, **more: Any) -> upload_pb2.Upload:
        fields = {"filename": "big.txt", "purpose": ASSISTANTS, "mime_type": "text/plain"} | more
        request = upload_pb2.CreateUploadRequest(bytes=size, **cast("Any", fields))
        return await self.uploads.create(as_caller(key), request)

    async def add(self, upload_id: str, data: bytes, *, key: str | None = None) -> str:
        part = await self.uploads.add_part(as_caller(key), part_form(upload_id, data))
        assert part.upload_id == upload_id
        return part.id

    async def complete(
        self, upload_id: str, part_ids: Sequence[str], md5: str | None = None
    ) -> upload_pb2.Upload:
        request = upload_pb2.CompleteUploadRequest(upload_id=upload_id, part_ids=part_ids, md5=md5)
        return await self.uploads.complete(as_caller(), request)

    async def cancel(self, upload_id: str, *, repeated: bool = False) -> upload_pb2.Upload:
        request = upload_pb2.CancelUploadRequest(upload_id=upload_id)
        return await self.uploads.cancel(as_caller(repeated=repeated), request)

    async def attend(self) -> int:
        """What is due now is done, or tried; gives how much of it came into work."""
        store = self.shared.store
        attended = 0
        for record in await store.due(store.now(), 1_000):
            attendant = self.room.attendants.get(record.kind)
            if attendant is not None:
                attended += await attendant(record)
        await self.room.background.idle()
        return attended

    async def close(self) -> None:
        await self._stack.aclose()

    async def _leave(self, project: str, store_id: str, file_id: str) -> None:
        self.left.append((store_id, file_id))
        place = tables.files_of(project)
        pointer = await self.shared.store.get(
            place, tables.stores_with(file_id), store_id, fresh=True
        )
        if pointer is not None:
            await commit_new(self.shared.store, place, [tables.remove(pointer)], self.shared.clock)


class World:
    def __init__(self, *, limit: int = 1_000_000, downloads: bool = True) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.blobs = MemoryBlobs()
        self.ids = NumberedIds()
        self._limit = limit
        self._downloads = downloads

    def core(self, store: Store | None = None, blobs: Blobs | None = None) -> Core:
        return Core(
            store or self.store,
            blobs or self.blobs,
            self.clock,
            self.ids,
            limit=self._limit,
            downloads=self._downloads,
        )

    async def settle(self, hours: int = 72) -> None:
        """Time passes, in which a core without faults attends to what is due."""
        core = self.core()
        for _ in range(hours // 2):
            while await self.clock.run_until(core.attend()):
                pass
            await self.clock.advance(DAY / 12)
        await core.close()

    async def faults(self) -> list[str]:
        """What should not be so once everything is settled."""
        found: list[str] = []
        named: set[str] = set()
        for partition in await self._partitions():
            for record in await self.store.list(partition, None, limit=10_000):
                kind = record.kind
                if kind == tables.files.kind:
                    found += await self._faults_of(partition, record.id, named)
                elif kind.startswith(LEFT):
                    found.append(f"{kind} {record.id} is left")
                elif kind.startswith("file-for/"):
                    if await tables.files.get(self.store, partition, record.id) is None:
                        found.append(f"{kind} {record.id} points to nothing")
                elif kind not in (tables.uploads.kind, tables.gone.kind):
                    found.append(f"{kind} {record.id} is unknown")
        found += [f"blob {key} has no name" for key in self.blobs if key not in named]
        return found

    async def _faults_of(self, partition: Partition, id: str, named: set[str]) -> list[str]:
        row = await tables.files.get(self.store, partition, id)
        assert row is not None
        file = row.body.file
        named.update(piece.key for piece in row.body.pieces)
        try:
            size = sum([len(chunk) async for chunk in content(self.blobs, row.body)])
        except Exception as error:  # noqa: BLE001 - it is told
            return [f"{id} cannot be read: {error}"]
        faults = [] if size == file.bytes else [f"{id} has {size} bytes instead of {file.bytes}"]
        listed = await tables.files_for(word(file.purpose)).get(self.store, partition, id)
        if listed is None or listed.body.file != file or listed.order != row.order:
            faults.append(f"{id} is not listed with its purpose")
        return faults

    async def _partitions(self) -> Sequence[Partition]:
        return (await self.store.partitions("", 1_000)).found


async def form(
    new: file_pb2.NewFile | None, data: bytes, *, at: int = 0, piece: int = 1_000
) -> AsyncIterator[file_pb2.CreateFileRequest]:
    """A request: ``new`` stands after ``at`` pieces of the data."""
    cuts = range(0, len(data), piece)
    parts = [file_pb2.CreateFileRequest(data=data[cut : cut + piece]) for cut in cuts]
    if new is not None:
        parts.insert(at, file_pb2.CreateFileRequest(metadata=new))
    for part in parts:
        await asyncio.sleep(0)
        yield part


async def part_form(
    upload_id: str | None, data: bytes, *, at: int = 0, piece: int = 1_000
) -> AsyncIterator[upload_pb2.AddUploadPartRequest]:
    cuts = range(0, len(data), piece)
    parts = [upload_pb2.AddUploadPartRequest(data=data[cut : cut + piece]) for cut in cuts]
    if upload_id is not None:
        new = upload_pb2.NewUploadPart(upload_id=upload_id)
        parts.insert(at, upload_pb2.AddUploadPartRequest(metadata=new))
    for part in parts:
        await asyncio.sleep(0)
        yield part
