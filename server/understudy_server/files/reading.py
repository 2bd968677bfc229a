"""Files as other rooms read them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from understudy_server.blobs.port import Blobs
from understudy_server.clock import SECOND
from understudy_server.store import tables
from understudy_server.store.port import Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import FileRecord


async def find(store: Store, project: str, file_id: str) -> Row[FileRecord] | None:
    """None for a file that is not there, or has expired."""
    row = await tables.files.get(store, tables.files_of(project), file_id, fresh=True)
    if row is None or has_expired(row.body, store.now()):
        return None
    return row


def has_expired(record: FileRecord, now: int) -> bool:
    """``now`` in microseconds, store time."""
    return record.file.HasField("expires_at") and now >= record.file.expires_at * SECOND


async def content(blobs: Blobs, record: FileRecord) -> AsyncGenerator[bytes, None]:
    """The bytes of a file, in chunks. Raises ``BlobMissing`` and ``BlobsUnavailable``."""
    for piece in record.pieces:
        async with aclosing(blobs.read(piece.key)) as chunks:
            async for chunk in chunks:
                yield chunk
