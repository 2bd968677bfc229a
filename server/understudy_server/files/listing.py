"""Pages of files, without those that have expired."""

from __future__ import annotations

from understudy.v1 import file_pb2
from understudy_server.files.reading import has_expired
from understudy_server.store.port import Partition, Position, Store
from understudy_server.store.tables import Table
from understudy_server.store.v1.records_pb2 import FileRecord

PAGE_BYTES = 3_000_000
"""gRPC callers refuse answers of more than 4 MiB, unless told otherwise: a longer page ends early."""

_CHUNK = 1_000
"""Files that are read of the store at a time."""


async def page(
    store: Store,
    table: Table[FileRecord],
    partition: Partition,
    after: Position | None,
    *,
    ascending: bool,
    limit: int,
) -> tuple[list[file_pb2.File], bool]:
    """At most ``limit`` files, and whether there may be more. Raises ``StoreError``."""
    found: list[file_pb2.File] = []
    size, now = 0, store.now()
    while True:
        asked = min(_CHUNK, limit + 1 - len(found))
        records = await store.list(
            partition,
            table.kind,
            low=after if ascending else None,
            high=None if ascending else after,
            descending=not ascending,
            limit=asked,
        )
        for record in records:
            after = record.position
            row = table.parse(record)
            if has_expired(row.body, now):
                continue
            size += row.body.file.ByteSize() + 8
            if len(found) == limit or (found and size > PAGE_BYTES):
                return found, True
            found.append(row.body.file)
        if len(records) < asked:
            return found, False
