"""How the files of a vector store are counted: in its head, and in the batches they came with. Pure.

Counts and status flip together: whoever sees no file in progress sees no store and no batch in progress either.
"""

from __future__ import annotations

from understudy.v1 import vector_store_file_pb2 as files
from understudy.v1 import vector_store_pb2 as stores
from understudy_server.store.v1.records_pb2 import VectorStoreHead

IN_PROGRESS = files.VECTOR_STORE_FILE_STATUS_IN_PROGRESS
COMPLETED = files.VECTOR_STORE_FILE_STATUS_COMPLETED
FAILED = files.VECTOR_STORE_FILE_STATUS_FAILED
CANCELLED = files.VECTOR_STORE_FILE_STATUS_CANCELLED

_COUNTERS = {
    IN_PROGRESS: "in_progress",
    COMPLETED: "completed",
    FAILED: "failed",
    CANCELLED: "cancelled",
}

STATUS_WORDS = tuple(_COUNTERS.values())


def word(status: files.VectorStoreFileStatus.ValueType) -> str:
    """As the status is written in JSON and in the kinds of pointer records."""
    return _COUNTERS[status]


def moved(
    counts: stores.FileCounts,
    before: files.VectorStoreFileStatus.ValueType | None,
    after: files.VectorStoreFileStatus.ValueType | None,
) -> stores.FileCounts:
    """``counts`` after one file changed; None: it was, or now is, not there."""
    changed = stores.FileCounts()
    changed.CopyFrom(counts)
    for status, step in ((before, -1), (after, 1)):
        if status is not None:
            name = _COUNTERS[status]
            setattr(changed, name, getattr(changed, name) + step)
            changed.total += step
    return changed


def head_after(
    head: VectorStoreHead,
    before: files.VectorStoreFile | None,
    after: files.VectorStoreFile | None,
) -> VectorStoreHead:
    """The head once one file of the store has changed."""
    changed = VectorStoreHead()
    changed.CopyFrom(head)
    counts = moved(
        head.counts,
        None if before is None else before.status,
        None if after is None else after.status,
    )
    changed.counts.CopyFrom(counts)
    changed.usage_bytes += (after.usage_bytes if after else 0) - (
        before.usage_bytes if before else 0
    )
    return changed


def batch_after(
    batch: files.VectorStoreFileBatch, after: files.VectorStoreFileStatus.ValueType | None
) -> files.VectorStoreFileBatch:
    """A batch once one of its files is no longer in progress; None: the file was taken away.

    What was taken away counts as cancelled, so that the total stays what was asked for.
    """
    changed = files.VectorStoreFileBatch()
    changed.CopyFrom(batch)
    counts = moved(batch.file_counts, IN_PROGRESS, CANCELLED if after is None else after)
    changed.file_counts.CopyFrom(counts)
    if (
        changed.status == files.VECTOR_STORE_FILE_BATCH_STATUS_IN_PROGRESS
        and not counts.in_progress
    ):
        changed.status = files.VECTOR_STORE_FILE_BATCH_STATUS_COMPLETED
    return changed
