"""Removing a file: from that moment it is gone for everybody, and then its traces go.

The first commit deletes the record and puts a ``FileRemoval`` that is due: whoever finds it takes the file out of its
vector stores, removes its bytes, and then the ``FileRemoval``. Each step may be done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from understudy_server.blobs.port import Blobs
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict
from understudy_server.files.purposes import word
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Blob, FileRecord, FileRemoval, Gone

GRACE = 5 * SECOND
"""Microseconds that whoever deletes a file has for its traces, before the workers help."""

_STORES = 50
"""Vector stores at a time."""

_AT_ONCE = 8
"""Blobs that are deleted at a time."""


class LeaveStore(Protocol):
    """Takes a file out of one vector store, and then removes the pointer to that store beside the file.

    Nothing to do is no error; it may be called again.
    """

    async def __call__(self, project: str, store_id: str, file_id: str, /) -> object:
        """Raises ``StoreError``."""
        ...


class Removal:
    def __init__(self, store: Store, clock: Clock, blobs: Blobs, leave_store: LeaveStore) -> None:
        self._store = store
        self._clock = clock
        self._blobs = blobs
        self._leave_store = leave_store

    async def begin(self, row: Row[FileRecord]) -> Row[FileRemoval] | None:
        """The file is gone when this returns; None: with all its traces.

        Raises ``Conflict`` when somebody was quicker, and other ``StoreError``s.
        """
        store, partition = self._store, row.record.partition
        removal = FileRemoval(pieces=row.body.pieces)
        put = tables.removals.put(
            row.id, removal, expected=None, order=row.order, due=store.now() + GRACE
        )
        operations: list[Operation] = [put, tables.files.delete(row)]
        listed = await store.get(
            partition, tables.files_for(word(row.body.file.purpose)).kind, row.id, fresh=True
        )
        if listed is not None:
            operations.append(tables.remove(listed))
        if row.body.fingerprint:
            trace = Gone(fingerprint=row.body.fingerprint)
            operations.append(tables.gone.put(row.id, trace, expected=None, order=row.order))
        await commit_new(store, partition, operations, self._clock)
        return await tables.removals.get(store, partition, row.id, fresh=True)

    async def finish(self, row: Row[FileRemoval]) -> None:
        """Nothing is left when this returns. Raises ``StoreError`` and ``BlobsUnavailable``."""
        partition = row.record.partition
        kind = tables.stores_with(row.id)
        left: set[str] = set()
        while pointers := await self._store.list(partition, kind, limit=_STORES):
            if all(pointer.id in left for pointer in pointers):
                raise Conflict("somebody else takes this file out of its vector stores")
            for pointer in pointers:
                await self._leave_store(partition.project, pointer.id, row.id)
                left.add(pointer.id)
        await delete_all(self._blobs, row.body.pieces)
        # Whoever was quicker has done the same.
        with suppress(Conflict):
            await commit_new(self._store, partition, [tables.removals.delete(row)], self._clock)


async def delete_all(blobs: Blobs, pieces: Sequence[Blob]) -> None:
    """Raises ``BlobsUnavailable``; then some may be left."""
    for at in range(0, len(pieces), _AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for piece in pieces[at : at + _AT_ONCE]:
                group.create_task(blobs.delete(piece.key))
