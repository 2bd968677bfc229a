"""Cores that ingest, over one store and one place of blobs, with documents and embeddings that a test decides on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tests.server.runs.world import PROJECT
from tests.server.vectors.world import Place, open_place
from tests.store.forwarding import ForwardingStore
from understudy.v1 import file_pb2
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.clock import Clock
from understudy_server.embeddings.port import Vectors
from understudy_server.errors import StoreError
from understudy_server.ingest.ingestion import Ingestion
from understudy_server.retrieval.segment import Segment, decode
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Commit, Record, Store, Version
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Blob, FileRecord, VectorStoreFileRecord
from understudy_server.vectors.counting import IN_PROGRESS


class ScriptedDocuments:
    """Implements ``Documents``: text is the bytes; ``errors`` and ``gates`` are by file name."""

    def __init__(self) -> None:
        self.errors: dict[str, list[Exception]] = {}
        """Raised one after the other."""
        self.gates: dict[str, asyncio.Event] = {}
        self.read: list[str] = []
        self.begun = asyncio.Condition()
        self.reading = 0
        self.most = 0

    async def text(self, filename: str, chunks: AsyncIterator[bytes]) -> str:
        self.reading += 1
        self.most = max(self.most, self.reading)
        try:
            data = b"".join([chunk async for chunk in chunks])
            async with self.begun:
                self.read.append(filename)
                self.begun.notify_all()
            if filename in self.gates:
                await self.gates[filename].wait()
            if self.errors.get(filename):
                raise self.errors[filename].pop(0)
            return data.decode()
        finally:
            self.reading -= 1

    async def has_begun(self, filename: str) -> None:
        """Returns when this file is being read."""
        async with self.begun:
            await self.begun.wait_for(lambda: filename in self.read)

    async def close(self) -> None:
        return


class ScriptedEmbeddings:
    """Implements ``Embeddings``: a vector tells how long its text is."""

    name = "scripted/embeddings"

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.errors: list[Exception] = []
        self.before: Callable[[], None] = lambda: None

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        assert of == "passage"
        self.asked.append(len(texts))
        self.before()
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        angles = np.array([len(text) % 100 for text in texts], dtype=np.float32) / 100
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    async def close(self) -> None:
        return


class MortalStore(ForwardingStore):
    """Once dead, it answers nothing: what a core does then, it does for nobody."""

    dead = False
    errors: list[Exception]

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.errors = []
        """Of commits, one after the other."""

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._reach()
        if self.errors:
            raise self.errors.pop(0)
        return await super().commit(commit)

    async def _reach(self) -> None:
        if self.dead:
            await asyncio.get_running_loop().create_future()


class MortalBlobs:
    """Implements ``Blobs``: one core's way to those of all."""

    def __init__(self, inner: MemoryBlobs) -> None:
        self._inner = inner
        self.dead = False
        self.errors: list[Exception] = []
        """Of reads and writes, one after the other."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        async def watched() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                await self._reach()
                yield chunk

        return await self._inner.write(key, watched())

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        await self._reach()
        async for chunk in self._inner.read(key, start=start, length=length):
            yield chunk

    async def delete(self, key: str) -> None:
        await self._reach()
        await self._inner.delete(key)

    async def ping(self) -> None:
        return

    async def close(self) -> None:
        return

    async def _reach(self) -> None:
        if self.dead:
            await asyncio.get_running_loop().create_future()
        if self.errors:
            raise self.errors.pop(0)


class Ingester:
    """One core."""

    def __init__(
        self, world: Ingestions, *, store: Store, slots: int, clock: Clock, vectors: bool
    ) -> None:
        self.store = MortalStore(store)
        self.blobs = MortalBlobs(world.blobs)
        self.due: Sequence[Record] = ()
        self.documents = ScriptedDocuments()
        self.embeddings = ScriptedEmbeddings()
        shared = replace(world.place.rooms.shared, store=self.store, blobs=self.blobs, clock=clock)
        self.ingestion = Ingestion(
            shared,
            documents=self.documents,
            embeddings=self.embeddings if vectors else None,
            slots=slots,
        )

    async def look(self) -> None:
        """As the worker does."""
        for record in await self.store.due(self.store.now(), 100):
            if record.kind == tables.vector_files.kind:
                await self.ingestion.attend(record)

    async def try_to_look(self, *, stale: bool) -> None:
        """As the worker does over a store that may fail, and whose index may lag: it tells what it told before."""
        with suppress(StoreError):
            if not stale:
                self.due = await self.store.due(self.store.now(), 100)
            for record in self.due:
                if record.kind == tables.vector_files.kind:
                    await self.ingestion.attend(record)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return list(self.ingestion._tasks.values())

    async def done(self) -> None:
        """Returns when this core works on nothing."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    def kill(self) -> None:
        """As ``kill -9``: nothing more is written."""
        self.store.dead = self.blobs.dead = True

    async def bury(self) -> None:
        """Ends what is left of its tasks."""
        self.kill()
        while alive := list(self.ingestion._alive):
            for task in alive:
                task.cancel()
            await asyncio.wait(alive, timeout=0.01)


class Ingestions:
    """A vector store with files that have bytes."""

    def __init__(self, place: Place, store_id: str) -> None:
        self.place = place
        self.clock = place.clock
        self.store_id = store_id
        self.blobs = MemoryBlobs()
        self.cores: list[Ingester] = []
        self.partition = tables.vector_store_partition(PROJECT, store_id)

    def core(
        self,
        *,
        store: Store | None = None,
        slots: int = 2,
        clock: Clock | None = None,
        vectors: bool = True,
    ) -> Ingester:
        core = Ingester(
            self,
            store=store or self.place.memory,
            slots=slots,
            clock=clock or self.clock,
            vectors=vectors,
        )
        self.cores.append(core)
        return core

    async def file(self, text: str = "some text", name: str = "a.txt") -> str:
        """A file that exists, with its bytes; not in the vector store."""
        id, key = self.place.world.ids.new("file-"), f"files/{self.place.world.ids.new('b')}"

        async def chunks() -> AsyncIterator[bytes]:
            yield text.encode()

        size = await self.blobs.write(key, chunks())
        file = file_pb2.File(id=id, filename=name, purpose=file_pb2.FILE_PURPOSE_ASSISTANTS)
        record = FileRecord(file=file, pieces=[Blob(key=key, bytes=size)])
        put = tables.files.put(id, record, expected=None, order=0)
        await commit_new(self.place.memory, tables.files_of(PROJECT), [put], self.clock)
        return id

    async def added(self, text: str = "some text", name: str = "a.txt", **fields: Any) -> str:
        file_id = await self.file(text, name)
        await self.place.add(self.store_id, file_id, **fields)
        return file_id

    async def row(self, file_id: str) -> Row[VectorStoreFileRecord] | None:
        return await tables.vector_files.get(self.place.memory, self.partition, file_id)

    async def record(self, file_id: str) -> VectorStoreFileRecord:
        row = await self.row(file_id)
        assert row is not None
        return row.body

    async def shown(self, file_id: str) -> files.VectorStoreFile:
        return await self.place.get(self.store_id, file_id)

    async def segment(self, file_id: str) -> Segment:
        key = (await self.record(file_id)).segment.key
        return decode(b"".join([chunk async for chunk in self.blobs.read(key)]))

    async def is_waiting(self) -> bool:
        return bool((await self.place.shown(self.store_id)).file_counts.in_progress)

    async def loose(self) -> list[str]:
        """Bytes that are announced and not named."""
        found = await self.place.memory.list(self.partition, tables.loose_blobs.kind, limit=1000)
        return [tables.loose_blobs.parse(record).body.blob.key for record in found]

    async def work(self, *cores: Ingester) -> None:
        """Until these cores have done all that is due now."""
        while True:
            for core in cores:
                await core.look()
            if not any(core.tasks for core in cores):
                return
            await asyncio.wait([task for core in cores for task in core.tasks])

    async def finish(self, *cores: Ingester) -> None:
        """Until no file is in progress, however long the clock has to go on."""
        while await self.is_waiting():
            await self.work(*cores)
            row = next(iter(await self.waiting()), None)
            if row is not None and row.record.due is not None:
                await self.clock.sleep(max(0, row.record.due - self.clock.wall()) / 1e6 + 0.1)

    async def waiting(self) -> list[Row[VectorStoreFileRecord]]:
        found = await self.place.memory.list(self.partition, tables.vector_files.kind, limit=1000)
        rows = [tables.vector_files.parse(record) for record in found]
        return [row for row in rows if row.body.file.status == IN_PROGRESS]


@asynccontextmanager
async def open_ingestions() -> AsyncIterator[Ingestions]:
    async with open_place() as place:
        world = Ingestions(place, await place.store())
        yield world
        for core in world.cores:
            await core.bury()
