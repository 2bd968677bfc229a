"""Vector stores, their files and batches by id, and what a request says about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from understudy.v1 import tool_pb2
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server import refused_values as words
from understudy_server.documents import kinds
from understudy_server.errors import DomainError, InvalidRequest, StateConflict
from understudy_server.rpc.lookup import Kind, missing
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import (
    FileRecord,
    VectorStoreFileBatchRecord,
    VectorStoreFileRecord,
)
from understudy_server.vectors import finding, membership
from understudy_server.vectors.finding import Found

VECTOR_STORE = Kind("vector store", "vector_store_id", "vs")
BATCH = Kind("vector store file batch", "batch_id", "vsfb")


def gone(store_id: str) -> DomainError:
    """The error for a vector store that was not found, or went during the call."""
    return missing(VECTOR_STORE, store_id)


async def store(shared: Collaborators, project: str, id: str) -> Found:
    """Raises ``NotFound``."""
    found = await finding.find(shared.store, project, id)
    if found is None:
        raise gone(id)
    return found


async def active_store(shared: Collaborators, project: str, id: str) -> Found:
    """Raises ``NotFound``, and ``StateConflict`` for a store that has expired."""
    found = await store(shared, project, id)
    if found.has_expired(shared.store.now()):
        raise StateConflict(f"Vector store '{id}' has expired.")
    return found


async def file(shared: Collaborators, found: Found, file_id: str) -> Row[VectorStoreFileRecord]:
    """Raises ``NotFound``."""
    row = await tables.vector_files.get(shared.store, found.partition, file_id, fresh=True)
    if row is None:
        raise missing_file(found, file_id)
    return row


def missing_file(found: Found, file_id: str) -> DomainError:
    if not file_id.startswith("file-"):
        return InvalidRequest(
            f"Invalid 'file_id': '{file_id[:256]}'. Expected an ID that begins with 'file'.",
            reason="INVALID_VALUE",
            param="file_id",
        )
    return membership.missing(file_id, found.record.id)


async def batch(
    shared: Collaborators, found: Found, batch_id: str
) -> Row[VectorStoreFileBatchRecord]:
    """Raises ``NotFound``, for one that is still being written as well."""
    row = await tables.vector_batches.get(shared.store, found.partition, batch_id, fresh=True)
    if row is None or row.body.staged:
        raise missing(BATCH, batch_id)
    return row


async def new_files(
    shared: Collaborators, project: str, ids: Sequence[str], param: str
) -> Mapping[str, Row[FileRecord]]:
    """Files to be searched. Raises ``NotFound`` and ``UnsupportedFile`` for those that cannot be."""
    found = await membership.find_files(shared, project, ids)
    if absent := [id for id in ids if id not in found]:
        raise membership.not_there(absent, param)
    names = [row.body.file.filename for row in found.values()]
    if refused := kinds.unsupported(names, param):
        raise refused
    return found


def check_strategy(given: tool_pb2.ChunkingStrategy, path: str = "chunking_strategy") -> None:
    """Raises ``InvalidRequest`` for chunks that overlap by more than half."""
    static = given.static
    most = static.max_chunk_size_tokens // 2
    if static.chunk_overlap_tokens > most:
        where = f"{path}.static.chunk_overlap_tokens"
        raise words.above_maximum(where, "integer", most, static.chunk_overlap_tokens)


def check_attributes(given: Mapping[str, files.Attribute], path: str = "attributes") -> None:
    """Raises ``InvalidRequest`` for a number that JSON cannot hold."""
    for name in sorted(given):
        if not math.isfinite(given[name].number):
            raise InvalidRequest(
                f"Invalid '{path}.{name}': expected a finite number.",
                reason="INVALID_VALUE",
                param=f"{path}.{name}",
            )


def distinct(ids: Iterable[str]) -> list[str]:
    """Each once, in the order of their first places."""
    return list(dict.fromkeys(ids))
