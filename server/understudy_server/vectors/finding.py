"""A vector store by its id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from understudy.v1 import vector_store_pb2
from understudy_server.store import tables
from understudy_server.store.port import Partition, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import VectorStoreHead, VectorStoreRecord
from understudy_server.vectors import view


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    partition: Partition
    record: Row[VectorStoreRecord]
    head: Row[VectorStoreHead]

    def shown(self, now: int) -> vector_store_pb2.VectorStore:
        """``now``: microseconds, store time."""
        return view.shown(self.record.body, self.head.body, now)

    def has_expired(self, now: int) -> bool:
        """``now``: microseconds, store time."""
        return view.has_expired(self.record.body, now)


async def find(store: Store, project: str, id: str) -> Found | None:
    """None for a store that is deleted, or was never there."""
    partition = tables.vector_store_partition(project, id)
    record, head = await asyncio.gather(
        tables.vector_stores.get(store, partition, id, fresh=True),
        tables.vector_heads.get(store, partition, HEAD_ID, fresh=True),
    )
    if record is None or head is None or head.body.tombstone:
        return None
    return Found(partition=partition, record=record, head=head)
