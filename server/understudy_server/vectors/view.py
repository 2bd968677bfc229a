"""Vector stores as they are shown: from the record, the head and the time. Pure."""

from __future__ import annotations

from understudy.v1 import vector_store_file_pb2 as files
from understudy.v1 import vector_store_pb2 as stores
from understudy_server.clock import SECOND
from understudy_server.store.v1.records_pb2 import VectorStoreHead, VectorStoreRecord

DAY = 24 * 3600
"""Seconds."""


def shown(record: VectorStoreRecord, head: VectorStoreHead, now: int) -> stores.VectorStore:
    """``now``: microseconds, store time."""
    store = stores.VectorStore()
    store.CopyFrom(record.store)
    store.file_counts.CopyFrom(head.counts)
    store.usage_bytes = head.usage_bytes
    if has_expired(record, now):
        store.status = stores.VECTOR_STORE_STATUS_EXPIRED
    elif head.counts.in_progress:
        store.status = stores.VECTOR_STORE_STATUS_IN_PROGRESS
    else:
        store.status = stores.VECTOR_STORE_STATUS_COMPLETED
    return store


def has_expired(record: VectorStoreRecord, now: int) -> bool:
    """Once it has, for ever: changing its time later does not revive it. ``now``: microseconds."""
    if record.store.status == stores.VECTOR_STORE_STATUS_EXPIRED:
        return True
    return record.store.HasField("expires_at") and now >= record.store.expires_at * SECOND


def set_expiry(store: stores.VectorStore) -> None:
    """``expires_at`` from ``expires_after`` and ``last_active_at``."""
    if store.HasField("expires_after"):
        store.expires_at = store.last_active_at + store.expires_after.days * DAY
    else:
        store.ClearField("expires_at")


def due(store: stores.VectorStore) -> int | None:
    """When the record needs attention: microseconds, store time."""
    return store.expires_at * SECOND if store.HasField("expires_at") else None


def shown_batch(batch: files.VectorStoreFileBatch) -> files.VectorStoreFileBatch:
    """A batch that is being cancelled is in progress until its last file is not."""
    if not batch.file_counts.in_progress:
        return batch
    shown = files.VectorStoreFileBatch()
    shown.CopyFrom(batch)
    shown.status = files.VECTOR_STORE_FILE_BATCH_STATUS_IN_PROGRESS
    return shown
