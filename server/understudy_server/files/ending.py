"""The end of an upload: what its parts have left behind is removed."""

from __future__ import annotations

from understudy_server.blobs.port import Blobs
from understudy_server.clock import Clock
from understudy_server.files.removal import delete_all
from understudy_server.files.uploading import EXPIRED, PENDING, status_of
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Check, Operation, Partition, Put, Record, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import UploadRecord

_CHUNK = 50
"""Parts in one commit."""


def ended(row: Row[UploadRecord], now: int) -> Put:
    """The upload with its new status; its parts are to be purged. ``now``: microseconds, store time."""
    return tables.uploads.put(row.id, row.body, expected=row.version, order=row.order, due=now)


class UploadEnding:
    def __init__(self, store: Store, clock: Clock, blobs: Blobs) -> None:
        self._store = store
        self._clock = clock
        self._blobs = blobs

    async def attend(self, record: Record) -> None:
        """Ends an upload that has expired, then purges what is left of its parts.

        Raises ``Conflict`` when another core was quicker, other ``StoreError``s, and ``BlobsUnavailable``.
        """
        partition = record.partition
        row = await tables.uploads.get(self._store, partition, record.id, fresh=True)
        now = self._store.now()
        if row is None or row.record.due is None or row.record.due > now:
            return
        if row.body.upload.status == PENDING:
            row.body.upload.status = status_of(row.body, now)
            if row.body.upload.status != EXPIRED:
                return
            await commit_new(self._store, partition, [ended(row, now)], self._clock)
            row = await tables.uploads.get(self._store, partition, record.id, fresh=True)
            if row is None:
                return
        await self._purge(partition, row)

    async def _purge(self, partition: Partition, row: Row[UploadRecord]) -> None:
        kept = await self._kept(partition, row)
        table = tables.upload_parts(row.id)
        while parts := await table.list(self._store, partition, limit=_CHUNK):
            unused = [part.body.blob for part in parts if part.body.blob.key not in kept]
            await delete_all(self._blobs, unused)
            operations: list[Operation] = [table.delete(part) for part in parts]
            operations.append(Check(kind=tables.uploads.kind, id=row.id, expected=row.version))
            await commit_new(self._store, partition, operations, self._clock)
        last: list[Operation] = [
            tables.uploads.put(row.id, row.body, expected=row.version, order=row.order)
        ]
        size = await tables.upload_sizes.get(self._store, partition, row.id, fresh=True)
        if size is not None:
            last.append(tables.upload_sizes.delete(size))
        await commit_new(self._store, partition, last, self._clock)

    async def _kept(self, partition: Partition, row: Row[UploadRecord]) -> frozenset[str]:
        """The blobs that the file is made of; once it is deleted, its removal asks for nothing better."""
        if not row.body.upload.HasField("file"):
            return frozenset()
        file = await tables.files.get(self._store, partition, row.body.upload.file.id, fresh=True)
        if file is None:
            return frozenset()
        return frozenset(piece.key for piece in file.body.pieces)
