"""What adding a file to a vector store comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from understudy.v1 import tool_pb2
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.clock import SECOND
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord
from understudy_server.vectors.counting import COMPLETED, IN_PROGRESS

CHUNK_TOKENS, OVERLAP_TOKENS = 800, 400
"""Of a file for which nothing else was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file to add."""

    file_id: str
    filename: str
    strategy: tool_pb2.ChunkingStrategy
    """Resolved: ``static``."""
    attributes: Mapping[str, files.Attribute] = field(default_factory=dict)
    """Empty: those that the file has stay."""


def resolved(given: tool_pb2.ChunkingStrategy | None) -> tool_pb2.ChunkingStrategy:
    """The numbers that are used."""
    if given is not None and given.HasField("static"):
        return given
    static = tool_pb2.StaticChunking(
        max_chunk_size_tokens=CHUNK_TOKENS, chunk_overlap_tokens=OVERLAP_TOKENS
    )
    return tool_pb2.ChunkingStrategy(static=static)


def added(
    before: VectorStoreFileRecord | None,
    entry: Entry,
    *,
    store_id: str,
    now: int,
    batch: str | None = None,
) -> VectorStoreFileRecord | None:
    """The file once it is added; None: nothing changes.

    What is there, or on its way, stays unless its chunking is to be another one; attributes are replaced if any are
    given. ``now``: microseconds, store time.
    """
    if before is None:
        return _fresh(entry, store_id=store_id, created_at=now // SECOND, batch=batch)
    same = before.file.chunking_strategy == entry.strategy
    if before.file.status not in (IN_PROGRESS, COMPLETED) or not same:
        after = _fresh(entry, store_id=store_id, created_at=before.file.created_at, batch=batch)
        if not entry.attributes:
            _set_attributes(after, before.file.attributes)
        after.batches[:] = [*before.batches, *after.batches]
        return after
    after = VectorStoreFileRecord()
    after.CopyFrom(before)
    if entry.attributes:
        _set_attributes(after, entry.attributes)
    if batch is not None and after.file.status == IN_PROGRESS and batch not in after.batches:
        after.batches.append(batch)
    return None if after == before else after


def is_restarted(before: VectorStoreFileRecord | None, after: VectorStoreFileRecord) -> bool:
    """Whether the work on the file begins with this change: nobody holds it, and it is due at once."""
    if before is None or before.file.status != IN_PROGRESS:
        return after.file.status == IN_PROGRESS
    return before.file.chunking_strategy != after.file.chunking_strategy


def _fresh(
    entry: Entry, *, store_id: str, created_at: int, batch: str | None
) -> VectorStoreFileRecord:
    record = VectorStoreFileRecord(
        file=files.VectorStoreFile(
            id=entry.file_id,
            created_at=created_at,
            vector_store_id=store_id,
            status=IN_PROGRESS,
            chunking_strategy=entry.strategy,
        ),
        filename=entry.filename,
        batches=[] if batch is None else [batch],
    )
    _set_attributes(record, entry.attributes)
    return record


def _set_attributes(
    record: VectorStoreFileRecord, attributes: Mapping[str, files.Attribute]
) -> None:
    record.file.ClearField("attributes")
    for name, value in attributes.items():
        record.file.attributes[name].CopyFrom(value)
