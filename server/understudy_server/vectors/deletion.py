"""A vector store goes: at once for everybody, and then in chunks.

What was made of its files goes with it, and so do the pointers beside them; the files themselves stay. The head stays
too, so that the id never comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from understudy_server.errors import Conflict
from understudy_server.files import loose
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import MAX_TRIES, after_conflict, commit_new
from understudy_server.store.port import Check, Operation, Partition, Record
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import VectorStoreHead
from understudy_server.vectors.counting import STATUS_WORDS

CHUNK = 30
"""Files in one commit: each takes up to three operations."""

MAX_CHUNKS = 20
"""In one go; the rest stays due, so that a large store keeps nothing else waiting."""


async def delete(shared: Collaborators, project: str, id: str) -> bool:
    """False for a store that is not there. Raises ``StoreError``s."""
    partition = tables.vector_store_partition(project, id)
    for attempt in range(MAX_TRIES):
        head = await tables.vector_heads.get(shared.store, partition, HEAD_ID, fresh=True)
        if head is None or head.body.tombstone:
            # Perhaps by ourselves: the answer was lost, and the purge has begun meanwhile.
            return head is not None and attempt > 0
        record = await tables.vector_stores.get(shared.store, partition, id, fresh=True)
        buried = VectorStoreHead()
        buried.CopyFrom(head.body)
        buried.tombstone = True
        now = shared.store.now()
        operations: list[Operation] = [
            tables.vector_heads.put(HEAD_ID, buried, expected=head.version, order=0, due=now)
        ]
        if record is not None:
            # In the same commit, so that no listing shows a deleted store.
            operations.append(tables.vector_stores.delete(record))
        try:
            await commit_new(shared.store, partition, operations, shared.clock)
        except Conflict:
            await after_conflict(shared.clock, attempt)
        else:
            return True
    raise Conflict("too many writers in one vector store")


async def purge(shared: Collaborators, head: Row[VectorStoreHead]) -> None:
    """Goes on removing what remains of a deleted store. Raises ``Conflict`` when another core does it too."""
    partition = head.record.partition
    for _ in range(MAX_CHUNKS):
        operations = await _some(shared, partition)
        last = not operations
        if last:
            operations.append(
                tables.vector_heads.put(HEAD_ID, head.body, expected=head.version, order=0)
            )
        else:
            kind = tables.vector_heads.kind
            operations.append(Check(kind=kind, id=HEAD_ID, expected=head.version))
        await commit_new(shared.store, partition, operations, shared.clock)
        if last:
            return


async def _some(shared: Collaborators, partition: Partition) -> list[Operation]:
    """The next things to remove; none: nothing is left but bytes that are due to be removed on their own."""
    store = shared.store
    rows = await tables.vector_files.list(store, partition, limit=CHUNK)
    if rows:
        await _unpoint(shared, partition, [row.id for row in rows])
        operations: list[Operation] = []
        for row in rows:
            operations.append(tables.vector_files.delete(row))
            if row.body.HasField("segment"):
                operations.append(loose.dropped(row.body.segment, store.now()))
        return operations
    for kind in (
        *map(tables.vector_files_in, STATUS_WORDS),
        tables.vector_file_keys.kind,
        tables.errands.kind,
    ):
        if records := await store.list(partition, kind, limit=3 * CHUNK):
            return [tables.remove(record) for record in records]
    for batch in await tables.vector_batches.list(store, partition, limit=1):
        for kind in (tables.vector_entries(batch.id).kind, tables.vector_files_of(batch.id)):
            if records := await store.list(partition, kind, limit=3 * CHUNK):
                return [tables.remove(record) for record in records]
        return [tables.vector_batches.delete(batch)]
    return []


async def _unpoint(shared: Collaborators, partition: Partition, file_ids: Sequence[str]) -> None:
    """Removes the pointers beside files, before what they point to goes."""
    place = tables.files_of(partition.project)
    store_id = tables.vector_store_of(partition)
    pointers = await asyncio.gather(
        *(shared.store.get(place, tables.stores_with(id), store_id, fresh=True) for id in file_ids)
    )
    found: list[Record] = [pointer for pointer in pointers if pointer is not None]
    if not found:
        return
    try:
        await commit_new(shared.store, place, [tables.remove(p) for p in found], shared.clock)
    except Conflict:
        # A file among them is being deleted at this moment.
        for pointer in found:
            with suppress(Conflict):
                await commit_new(shared.store, place, [tables.remove(pointer)], shared.clock)
