"""The files of a vector store that can be searched, as the store has them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from understudy.v1.vector_store_file_pb2 import Attribute
from understudy_server.store import tables
from understudy_server.store.port import Partition, Position, Store
from understudy_server.vectors.counting import COMPLETED

_PAGE: Final = 500
_OVERHEAD: Final = 1_000
"""Bytes of memory that a file takes besides what is in its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedFile:
    id: str
    filename: str
    attributes: Mapping[str, Attribute]
    size: int
    """Bytes of its segment's blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    files: Mapping[str, SearchedFile]
    """By the blob key of the segment; in the order in which they were added to the store."""
    bytes: int
    """Of memory, about."""


EMPTY: Final = Listing(files={}, bytes=0)


async def read_listing(store: Store, partition: Partition) -> Listing:
    """Sees every commit that was acknowledged before. Raises ``StoreError``."""
    files: dict[str, SearchedFile] = {}
    size = 0
    low: Position | None = None
    while True:
        records = await store.list(partition, tables.vector_files.kind, low=low, limit=_PAGE)
        for record in records:
            body = tables.vector_files.parse(record).body
            if body.file.status != COMPLETED or not body.HasField("segment"):
                continue
            size += len(record.body) + _OVERHEAD
            files[body.segment.key] = SearchedFile(
                id=record.id,
                filename=body.filename,
                attributes=dict(body.file.attributes),
                size=body.segment.bytes,
            )
        if len(records) < _PAGE:
            return Listing(files=files, bytes=size)
        low = records[-1].position
