"""Changing one file of a vector store: read the head and the file, decide, commit; after a conflict, decide again.

Every change of a file goes through here, so that head, file, pointers and batches are always written together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from understudy_server.clock import Clock
from understudy_server.errors import Conflict
from understudy_server.files import loose
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Partition, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import (
    VectorStoreFileBatchRecord,
    VectorStoreFileRecord,
    VectorStoreHead,
)
from understudy_server.vectors.counting import IN_PROGRESS, batch_after, head_after, word

MAX_TRIES = 60
"""Conflicts in a row after which the caller is told to try again later."""

PAUSE = 0.005
"""Seconds; grows with each conflict, up to fifty times this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The file as it is to be; ``record`` None: taken out of the store."""

    record: VectorStoreFileRecord | None
    due: int | None = None
    also: Sequence[Operation] = ()
    """What else belongs into the commit."""


Decide: TypeAlias = Callable[
    [Row[VectorStoreHead], Row[VectorStoreFileRecord] | None], Changed | None
]
"""None: there is nothing to change. May raise; must not change what it is given."""


async def amend_file(
    store: Store, clock: Clock, partition: Partition, file_id: str, decide: Decide
) -> VectorStoreFileRecord | None:
    """The file as it now is, or None if it is not there. ``decide`` is not asked about a deleted store.

    Raises what ``decide`` raises; ``Conflict`` for a store that is gone and after too many tries; other
    ``StoreError``s.
    """
    for attempt in range(MAX_TRIES):
        head = await tables.vector_heads.get(store, partition, HEAD_ID, fresh=True)
        if head is None or head.body.tombstone:
            raise Conflict("the vector store is gone")
        row = await tables.vector_files.get(store, partition, file_id, fresh=True)
        changed = decide(head, row)
        if changed is None:
            return None if row is None else row.body
        operations = await _operations(store, partition, head, row, changed, file_id)
        try:
            await commit_new(store, partition, operations, clock)
        except Conflict:
            await clock.sleep(PAUSE * min(attempt, 50))
        else:
            return changed.record
    raise Conflict("too many writers in one vector store")


async def _operations(
    store: Store,
    partition: Partition,
    head: Row[VectorStoreHead],
    row: Row[VectorStoreFileRecord] | None,
    changed: Changed,
    file_id: str,
) -> Sequence[Operation]:
    before = None if row is None else row.body
    after = changed.record
    new_head = head_after(
        head.body,
        None if before is None else before.file,
        None if after is None else after.file,
    )
    now = store.now()
    order = row.order if row is not None else max(now, head.body.last_order + 1)
    new_head.last_order = max(new_head.last_order, order)
    operations: list[Operation] = [
        tables.vector_heads.put(HEAD_ID, new_head, expected=head.version, order=0)
    ]
    ended = before is not None and before.file.status == IN_PROGRESS
    if after is not None and after.file.status == IN_PROGRESS:
        ended = False
    if ended:
        assert before is not None
        for batch in await _batches(store, partition, before.batches):
            body = VectorStoreFileBatchRecord()
            body.CopyFrom(batch.body)
            status = None if after is None else after.file.status
            body.batch.CopyFrom(batch_after(batch.body.batch, status))
            operations.append(tables.vector_batches.replace(batch, body))
    if after is None:
        if row is not None:
            operations.append(tables.vector_files.delete(row))
    else:
        if ended:
            del after.batches[:]
        operations.append(
            tables.vector_files.put(
                file_id,
                after,
                expected=None if row is None else row.version,
                order=order,
                due=changed.due,
            )
        )
    operations += await _pointers(store, partition, before, after, file_id, order)
    if before is not None and before.HasField("segment"):
        kept = after is not None and after.segment.key == before.segment.key
        if not kept:
            operations.append(loose.dropped(before.segment, now))
    return [*operations, *changed.also]


async def _batches(
    store: Store, partition: Partition, ids: Sequence[str]
) -> Sequence[Row[VectorStoreFileBatchRecord]]:
    rows = [await tables.vector_batches.get(store, partition, id, fresh=True) for id in ids]
    return [row for row in rows if row is not None]


async def _pointers(
    store: Store,
    partition: Partition,
    before: VectorStoreFileRecord | None,
    after: VectorStoreFileRecord | None,
    file_id: str,
    order: int,
) -> list[Operation]:
    """By status; those of batches stay until the store goes, or the file leaves it."""
    old = None if before is None else tables.vector_files_in(word(before.file.status))
    new = None if after is None else tables.vector_files_in(word(after.file.status))
    operations: list[Operation] = []
    if old == new:
        return operations
    if old is not None:
        pointer = await store.get(partition, old, file_id, fresh=True)
        if pointer is not None:
            operations.append(tables.remove(pointer))
    if new is not None:
        operations.append(tables.pointer(new, file_id, order))
    return operations
