"""Who works on a file of a vector store, and until when. Pure.

Claims and renewals put the file's record alone and not the head: they change nothing that is counted or found, and
the head's version is what tells searches that something has. Whoever else changes the file reads this record too, so
nobody overlooks anybody.
"""

from __future__ import annotations

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.store import tables
from understudy_server.store.port import Put
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Blob, VectorStoreFileRecord
from understudy_server.vectors.amend import Changed
from understudy_server.vectors.counting import COMPLETED, FAILED, IN_PROGRESS

MAX_DEATHS = 3
"""Holders that may go away while they work on one file; it has failed then."""

TOO_MANY_DEATHS = "The servers that worked on this file went away, one after the other."

SERVER_ERROR = files.VECTOR_STORE_FILE_ERROR_CODE_SERVER_ERROR


def is_free(record: VectorStoreFileRecord, now: int) -> bool:
    """Whether somebody should work on it now. ``now``: microseconds, store time."""
    if record.file.status != IN_PROGRESS:
        return False
    return not record.holder or record.lease_until <= now


def is_fatal(record: VectorStoreFileRecord, core: str) -> bool:
    """Whether the holder that went away was one too many."""
    return _died(record, core) and record.takeovers + 1 >= MAX_DEATHS


def claimed(
    row: Row[VectorStoreFileRecord], *, core: str, holder: str, now: int, lease: int
) -> Put:
    """``holder``: a name for this claim alone, which begins with that of the core."""
    after = _copy(row.body)
    after.takeovers += _died(row.body, core)
    return _held(row, after, holder, now + lease)


def renewed(row: Row[VectorStoreFileRecord], *, now: int, lease: int) -> Put:
    return _held(row, _copy(row.body), row.body.holder, now + lease)


def released(row: Row[VectorStoreFileRecord], *, due: int) -> Put:
    """Its holder gives it back; that is no death."""
    after = _copy(row.body)
    after.holder = ""
    after.lease_until = 0
    return tables.vector_files.put(row.id, after, expected=row.version, order=row.order, due=due)


def is_held(row: Row[VectorStoreFileRecord] | None, holder: str) -> bool:
    return row is not None and row.body.file.status == IN_PROGRESS and row.body.holder == holder


def completed(record: VectorStoreFileRecord, segment: Blob, chunks: int) -> Changed:
    after = _ended(record, COMPLETED)
    after.segment.CopyFrom(segment)
    after.chunks = chunks
    after.file.usage_bytes = segment.bytes
    return Changed(record=after)


def failed(
    record: VectorStoreFileRecord, code: files.VectorStoreFileErrorCode.ValueType, message: str
) -> Changed:
    after = _ended(record, FAILED)
    after.file.last_error.code = code
    after.file.last_error.message = message
    return Changed(record=after)


def _died(record: VectorStoreFileRecord, core: str) -> bool:
    """A core that lives and has let go, because its store was away say, has not died."""
    return bool(record.holder) and not record.holder.startswith(f"{core}/")


def _held(
    row: Row[VectorStoreFileRecord], after: VectorStoreFileRecord, holder: str, until: int
) -> Put:
    after.holder = holder
    after.lease_until = until
    return tables.vector_files.put(row.id, after, expected=row.version, order=row.order, due=until)


def _ended(
    record: VectorStoreFileRecord, status: files.VectorStoreFileStatus.ValueType
) -> VectorStoreFileRecord:
    after = _copy(record)
    after.file.status = status
    after.file.ClearField("last_error")
    after.holder = ""
    after.lease_until = 0
    after.takeovers = 0
    return after


def _copy(record: VectorStoreFileRecord) -> VectorStoreFileRecord:
    after = VectorStoreFileRecord()
    after.CopyFrom(record)
    return after
