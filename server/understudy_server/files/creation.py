"""The commit that makes a file, pure: what it puts, and what an earlier request with the same key made."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.v1 import file_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import NotFound
from understudy_server.files.purposes import word
from understudy_server.files.reading import has_expired
from understudy_server.idempotency import same_request
from understudy_server.store import tables
from understudy_server.store.port import Partition, Put, Store
from understudy_server.store.v1.records_pb2 import Blob, FileRecord


def new_file(
    id: str,
    *,
    filename: str,
    purpose: file_pb2.FilePurpose.ValueType,
    size: int,
    created_at: int,
    lifetime: int,
) -> file_pb2.File:
    """``created_at``: Unix seconds; ``lifetime``: seconds, 0 for ever."""
    return file_pb2.File(
        id=id,
        purpose=purpose,
        filename=filename,
        bytes=size,
        created_at=created_at,
        expires_at=created_at + lifetime if lifetime else None,
        status=file_pb2.FILE_STATUS_PROCESSED,
    )


def put_file(
    file: file_pb2.File, pieces: Sequence[Blob], order: int, fingerprint: bytes = b""
) -> list[Put]:
    """The file, and its place among those of its purpose."""
    record = FileRecord(file=file, fingerprint=fingerprint, pieces=pieces)
    due = file.expires_at * SECOND if file.HasField("expires_at") else None
    shown = FileRecord(file=file)
    return [
        tables.files.put(file.id, record, expected=None, order=order, due=due),
        tables.files_for(word(file.purpose)).put(file.id, shown, expected=None, order=order),
    ]


async def next_order(store: Store, partition: Partition, now: int) -> int:
    """After the newest file, though another core made it whose idea of the store's time is ahead."""
    newest = await store.list(partition, tables.files.kind, descending=True, limit=1)
    return max([now, *(record.order + 1 for record in newest)])


async def is_known(store: Store, partition: Partition, id: str) -> bool:
    """Whether there is a file with this id, or was."""
    if await tables.files.get(store, partition, id, fresh=True) is not None:
        return True
    return await tables.gone.get(store, partition, id, fresh=True) is not None


async def created_before(
    store: Store, partition: Partition, id: str, fingerprint: bytes
) -> file_pb2.File | None:
    """What an earlier request with this idempotency key made. Raises ``NotFound`` if it is deleted by now."""
    row = await tables.files.get(store, partition, id, fresh=True)
    if row is not None:
        same_request(row.body.fingerprint, fingerprint)
        if has_expired(row.body, store.now()):
            raise no_such_file(id)
        return row.body.file
    if await tables.gone.get(store, partition, id, fresh=True) is not None:
        raise no_such_file(id)
    return None


def no_such_file(id: str) -> NotFound:
    return NotFound(
        f"No such File object: {id[:256]}", param="id", resource=("understudy.v1.File", id)
    )
