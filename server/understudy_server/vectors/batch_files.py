"""The files of a batch, in the order in which they were given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.store import tables
from understudy_server.store.port import Partition, Position, Record, Store


async def list_files(
    store: Store,
    partition: Partition,
    batch_id: str,
    status: files.VectorStoreFileStatus.ValueType | None,
    *,
    low: Position | None,
    high: Position | None,
    descending: bool,
    limit: int,
) -> Sequence[Record]:
    """The records of files, of one ``status`` or of any, at the positions that they have in the batch."""
    kind = tables.vector_files_of(batch_id)
    found: list[Record] = []
    while True:
        pointers = await store.list(
            partition, kind, low=low, high=high, descending=descending, limit=limit
        )
        rows = await asyncio.gather(
            *(tables.vector_files.get(store, partition, p.id, fresh=True) for p in pointers)
        )
        for pointer, row in zip(pointers, rows, strict=True):
            # A file that was taken out of the store is in none of its batches either.
            if row is not None and (status is None or row.body.file.status == status):
                found.append(replace(row.record, order=pointer.order))
        if len(found) >= limit or len(pointers) < limit:
            return found[:limit]
        if descending:
            high = pointers[-1].position
        else:
            low = pointers[-1].position
