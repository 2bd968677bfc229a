"""A change of a vector store that is being made up: what is read for it, and what is to be written.

The head, the files, their pointers and the batches that count them are written together, so that counts are always
those of the files.
"""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.files import loose
from understudy_server.store import tables
from understudy_server.store.port import Operation, Partition, Put, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import (
    VectorStoreFileBatchRecord,
    VectorStoreFileRecord,
    VectorStoreHead,
)
from understudy_server.vectors.counting import IN_PROGRESS, batch_after, head_after, word


class Draft:
    """Made for one try; each file is written at most once."""

    def __init__(self, store: Store, partition: Partition, head: Row[VectorStoreHead]) -> None:
        self._store = store
        self.partition = partition
        self.before = head
        """The head as it was read."""
        self.head = VectorStoreHead()
        """The head as it is to be."""
        self.head.CopyFrom(head.body)
        self.now = store.now()
        self._files: dict[str, Row[VectorStoreFileRecord] | None] = {}
        self._batches: dict[str, Row[VectorStoreFileBatchRecord] | None] = {}
        self._changed_batches: dict[str, Put] = {}
        self._operations: list[Operation] = []

    async def file(self, file_id: str) -> Row[VectorStoreFileRecord] | None:
        """A file as it is, read once. Must not be changed."""
        if file_id not in self._files:
            row = await tables.vector_files.get(self._store, self.partition, file_id, fresh=True)
            self._files[file_id] = row
        return self._files[file_id]

    async def batch(self, batch_id: str) -> Row[VectorStoreFileBatchRecord] | None:
        """A batch, with what this draft changes of it."""
        if batch_id not in self._batches:
            row = await tables.vector_batches.get(self._store, self.partition, batch_id, fresh=True)
            self._batches[batch_id] = row
        return self._batches[batch_id]

    async def put_file(
        self, file_id: str, after: VectorStoreFileRecord, *, due: int | None = None
    ) -> None:
        """Adds or changes a file. Batches that counted it as in progress stop doing so once it is not."""
        row = await self.file(file_id)
        order = row.order if row is not None else max(self.now, self.head.last_order + 1)
        self.head.last_order = max(self.head.last_order, order)
        if after.file.status != IN_PROGRESS:
            await self._leave_batches(row, after)
            del after.batches[:]
        put = tables.vector_files.put(
            file_id, after, expected=None if row is None else row.version, order=order, due=due
        )
        self._operations.append(put)
        await self._record(row, after, file_id, order)

    async def remove_file(self, file_id: str) -> None:
        """Takes a file out; nothing happens if it is not there."""
        row = await self.file(file_id)
        if row is None:
            return
        await self._leave_batches(row, None)
        self._operations.append(tables.vector_files.delete(row))
        await self._record(row, None, file_id, row.order)

    def put_batch(
        self,
        row: Row[VectorStoreFileBatchRecord],
        body: VectorStoreFileBatchRecord,
        *,
        due: int | None,
    ) -> None:
        """Replaces a batch; may be called again for the same one."""
        put = tables.vector_batches.put(
            row.id, body, expected=row.version, order=row.order, due=due
        )
        self._changed_batches[row.id] = put
        self._batches[row.id] = tables.vector_batches.written(row, put, row.version)

    def add(self, *operations: Operation) -> None:
        """What else belongs into the commit."""
        self._operations.extend(operations)

    def operations(self) -> Sequence[Operation]:
        """Empty if nothing is to be changed. The head comes first, since every writer puts it."""
        if not self._operations and not self._changed_batches and self.head == self.before.body:
            return []
        head = tables.vector_heads.put(HEAD_ID, self.head, expected=self.before.version, order=0)
        return [head, *self._operations, *self._changed_batches.values()]

    async def _leave_batches(
        self, row: Row[VectorStoreFileRecord] | None, after: VectorStoreFileRecord | None
    ) -> None:
        if row is None or row.body.file.status != IN_PROGRESS:
            return
        status = None if after is None else after.file.status
        for id in row.body.batches:
            batch = await self.batch(id)
            if batch is not None:
                body = VectorStoreFileBatchRecord()
                body.CopyFrom(batch.body)
                body.batch.CopyFrom(batch_after(batch.body.batch, status))
                self.put_batch(batch, body, due=batch.record.due)

    async def _record(
        self,
        row: Row[VectorStoreFileRecord] | None,
        after: VectorStoreFileRecord | None,
        file_id: str,
        order: int,
    ) -> None:
        """Counts, the pointer by status, and the bytes that are let go of."""
        before = None if row is None else row.body
        old = None if before is None else before.file
        new = None if after is None else after.file
        self.head.CopyFrom(head_after(self.head, old, new))
        was = None if old is None else tables.vector_files_in(word(old.status))
        becomes = None if new is None else tables.vector_files_in(word(new.status))
        if was is not None and was != becomes:
            pointer = await self._store.get(self.partition, was, file_id, fresh=True)
            if pointer is not None:
                self._operations.append(tables.remove(pointer))
        if becomes is not None and was != becomes:
            self._operations.append(tables.pointer(becomes, file_id, order))
        if before is not None and before.HasField("segment"):
            kept = after is not None and after.segment.key == before.segment.key
            if not kept:
                self._operations.append(loose.dropped(before.segment, self.now))
