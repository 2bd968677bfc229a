"""Cores over one store that hold files and vector stores, and what clients do with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.clock import FakeClock
from tests.server.runs.scripted import ScriptedModels
from tests.server.runs.world import PROJECT, Core, World, caller
from understudy.v1 import file_pb2, tool_pb2, vector_store_pb2
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.clock import Clock
from understudy_server.rpc.vector_store_batches import VectorStoreBatches
from understudy_server.rpc.vector_store_files import VectorStoreFiles
from understudy_server.rpc.vector_stores import VectorStores
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Record, Store
from understudy_server.store.v1.records_pb2 import Blob, FileRecord, Segment, VectorStoreFileRecord
from understudy_server.vectors.amend import Changed, StoreGone, amend_file
from understudy_server.vectors.attending import work
from understudy_server.vectors.counting import COMPLETED, FAILED, IN_PROGRESS

__all__ = ["PROJECT", "Core", "Place", "caller", "open_place", "static"]


class Rooms:
    """The operations of one core on vector stores."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.shared = core.shared
        self.stores = VectorStores(core.shared)
        self.files = VectorStoreFiles(core.shared)
        self.batches = VectorStoreBatches(core.shared)
        self.work = work(core.shared)


class Place:
    """A project with files; the rooms of a core; no worker but the one that a test drives."""

    def __init__(
        self, world: World[ScriptedModels], store: Store | None = None, clock: Clock | None = None
    ) -> None:
        """``clock``: what the store and the cores wait by, where that is not the world's."""
        self.world = world
        self.clock = world.clock
        """Moved by the test."""
        self._clock = clock or world.clock
        self.memory: Store = store or world.memory
        """The store itself, past all that may stand in front of it."""
        self.rooms = self.another(store=self.memory)

    def another(self, **options: Any) -> Rooms:
        """One more core."""
        core = self.world.core(slots=0, clock=self._clock, **options)
        for task in core.worker._scanning:
            task.cancel()
        return Rooms(core)

    async def file(self, name: str = "a.txt", id: str = "") -> str:
        """A file that exists, without bytes."""
        id = id or self.world.ids.new("file-")
        file = file_pb2.File(id=id, filename=name, purpose=file_pb2.FILE_PURPOSE_ASSISTANTS)
        put = tables.files.put(id, FileRecord(file=file), expected=None, order=0)
        await commit_new(self.memory, tables.files_of(PROJECT), [put], self._clock)
        return id

    async def many_files(self, count: int) -> list[str]:
        return [await self.file(f"{number}.txt") for number in range(count)]

    async def lose_file(self, id: str) -> None:
        """The file goes, as in the first commit of its deletion."""
        row = await tables.files.get(self.memory, tables.files_of(PROJECT), id)
        assert row is not None
        await commit_new(
            self.memory, tables.files_of(PROJECT), [tables.files.delete(row)], self._clock
        )

    async def remove(self, record: Record) -> None:
        await commit_new(self.memory, record.partition, [tables.remove(record)], self._clock)

    async def store(self, *file_ids: str, key: str | None = None, **fields: Any) -> str:
        return (await self.create_store(*file_ids, key=key, **fields)).id

    async def create_store(
        self, *file_ids: str, key: str | None = None, **fields: Any
    ) -> vector_store_pb2.VectorStore:
        request = vector_store_pb2.CreateVectorStoreRequest(file_ids=file_ids, **fields)
        return await self.rooms.stores.create(caller(key), request)

    async def shown(self, store_id: str) -> vector_store_pb2.VectorStore:
        request = vector_store_pb2.GetVectorStoreRequest(vector_store_id=store_id)
        return await self.rooms.stores.get(caller(), request)

    async def delete_store(self, store_id: str) -> None:
        request = vector_store_pb2.DeleteVectorStoreRequest(vector_store_id=store_id)
        await self.rooms.stores.delete(caller(), request)

    async def add(
        self, store_id: str, file_id: str, key: str | None = None, **fields: Any
    ) -> files.VectorStoreFile:
        request = files.CreateVectorStoreFileRequest(
            vector_store_id=store_id, file_id=file_id, **fields
        )
        return await self.rooms.files.create(caller(key), request)

    async def add_batch(
        self, store_id: str, *file_ids: str, key: str | None = None, **fields: Any
    ) -> files.VectorStoreFileBatch:
        request = files.CreateVectorStoreFileBatchRequest(
            vector_store_id=store_id, file_ids=file_ids, **fields
        )
        return await self.rooms.batches.create(caller(key), request)

    async def batch(self, store_id: str, batch_id: str) -> files.VectorStoreFileBatch:
        request = files.GetVectorStoreFileBatchRequest(vector_store_id=store_id, batch_id=batch_id)
        return await self.rooms.batches.get(caller(), request)

    async def get(self, store_id: str, file_id: str) -> files.VectorStoreFile:
        request = files.GetVectorStoreFileRequest(vector_store_id=store_id, file_id=file_id)
        return await self.rooms.files.get(caller(), request)

    async def listed(self, store_id: str, **fields: Any) -> list[str]:
        request = files.ListVectorStoreFilesRequest(
            vector_store_id=store_id, **{"limit": 100, **fields}
        )
        return [file.id for file in (await self.rooms.files.list(caller(), request)).data]

    async def in_batch(self, store_id: str, batch_id: str, **fields: Any) -> list[str]:
        request = files.ListFilesInVectorStoreBatchRequest(
            vector_store_id=store_id, batch_id=batch_id, **{"limit": 100, **fields}
        )
        return [file.id for file in (await self.rooms.batches.list_files(caller(), request)).data]

    async def complete(self, store_id: str, file_id: str, text: str = "", size: int = 10) -> None:
        """What ingestion does in the end."""
        key = f"folder/{self.world.ids.new('blob_')}"

        async def bytes_of() -> AsyncIterator[bytes]:
            yield Segment(text=text).SerializeToString()

        written = await self.rooms.shared.blobs.write(key, bytes_of())
        blob = Blob(key=key, bytes=written)
        await self._end(store_id, file_id, COMPLETED, segment=blob, size=size)

    async def fail(self, store_id: str, file_id: str) -> None:
        await self._end(store_id, file_id, FAILED)

    async def _end(
        self,
        store_id: str,
        file_id: str,
        status: files.VectorStoreFileStatus.ValueType,
        segment: Blob | None = None,
        size: int = 0,
    ) -> None:
        partition = tables.vector_store_partition(PROJECT, store_id)

        def decide(_: object, row: tables.Row[VectorStoreFileRecord] | None) -> Changed | None:
            if row is None or row.body.file.status != IN_PROGRESS:
                return None
            after = VectorStoreFileRecord()
            after.CopyFrom(row.body)
            after.file.status = status
            after.file.usage_bytes = size
            if segment is not None:
                after.segment.CopyFrom(segment)
            return Changed(record=after)

        await amend_file(self.memory, self._clock, partition, file_id, decide)

    async def left(self, store_id: str) -> set[str]:
        """The kinds of all records of the store's partition."""
        partition = tables.vector_store_partition(PROJECT, store_id)
        return {record.kind for record in await self.memory.list(partition, None, limit=100_000)}

    async def pointers(self, file_id: str) -> list[str]:
        """The stores that are named beside a file."""
        place, kind = tables.files_of(PROJECT), tables.stores_with(file_id)
        return [record.id for record in await self.memory.list(place, kind, limit=1000)]

    async def attend(self, rooms: Rooms | None = None, rounds: int = 50) -> None:
        """Does what is due now, as a core's worker would, until nothing of this room is."""
        rooms = rooms or self.rooms
        for _ in range(rounds):
            due = await self.memory.due(self.memory.now(), 10_000)
            mine = [record for record in due if record.kind in rooms.work]
            if not mine:
                return
            for record in mine:
                with suppress(StoreGone):  # it goes with its store
                    await rooms.work[record.kind](record)
        raise AssertionError("something is due for ever")


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    world = World(ScriptedModels(), clock=FakeClock())
    try:
        yield Place(world)
    finally:
        await world.close()


def static(size: int, overlap: int) -> tool_pb2.ChunkingStrategy:
    chunking = tool_pb2.StaticChunking(max_chunk_size_tokens=size, chunk_overlap_tokens=overlap)
    return tool_pb2.ChunkingStrategy(static=chunking)
