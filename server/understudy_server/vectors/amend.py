"""Changing a vector store: read the head, decide, commit; after a conflict, decide again.

Every change of files goes through here, so that head, files, pointers and batches are always written together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from understudy_server.clock import Clock
from understudy_server.errors import Conflict
from understudy_server.store import tables
from understudy_server.store.commits import MAX_TRIES, after_conflict, commit_new
from understudy_server.store.port import Operation, Partition, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord, VectorStoreHead
from understudy_server.vectors.draft import Draft

T = TypeVar("T")


class StoreGone(Conflict):
    """The vector store is deleted, or was never there."""

    def __init__(self) -> None:
        super().__init__("the vector store is gone")


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


async def amend(
    store: Store, clock: Clock, partition: Partition, decide: Callable[[Draft], Awaitable[T]]
) -> T:
    """What ``decide`` returns, once what it drafted is written. It is asked again after a conflict.

    Raises what ``decide`` raises; ``StoreGone``; ``Conflict`` after too many tries; other ``StoreError``s.
    """
    for attempt in range(MAX_TRIES):
        head = await tables.vector_heads.get(store, partition, HEAD_ID, fresh=True)
        if head is None or head.body.tombstone:
            raise StoreGone
        draft = Draft(store, partition, head)
        result = await decide(draft)
        operations = draft.operations()
        if not operations:
            return result
        try:
            await commit_new(store, partition, operations, clock)
        except Conflict:
            await after_conflict(clock, attempt)
        else:
            return result
    raise Conflict("too many writers in one vector store")


async def amend_file(
    store: Store, clock: Clock, partition: Partition, file_id: str, decide: Decide
) -> VectorStoreFileRecord | None:
    """The file as it now is, or None if it is not there. ``decide`` is not asked about a deleted store.

    Raises as ``amend`` does.
    """

    async def one(draft: Draft) -> VectorStoreFileRecord | None:
        row = await draft.file(file_id)
        changed = decide(draft.before, row)
        if changed is None:
            return None if row is None else row.body
        draft.add(*changed.also)
        if changed.record is None:
            await draft.remove_file(file_id)
        else:
            await draft.put_file(file_id, changed.record, due=changed.due)
        return changed.record

    return await amend(store, clock, partition, one)
