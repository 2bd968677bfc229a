"""New vector stores, with the files that they are to hold.

The commit that makes a store also writes down which files are still to be added, and counts them as in progress. They
are added right after it, in as many commits as it takes; should the core die meanwhile, the note is due, and whoever
finds it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.v1 import tool_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, NotFound
from understudy_server.idempotency import same_request
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Partition
from understudy_server.store.tables import ALL, HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import (
    VectorStoreErrand,
    VectorStoreHead,
    VectorStoreRecord,
)
from understudy_server.vectors import finding, membership, view
from understudy_server.vectors.adding import Entry
from understudy_server.vectors.amend import amend
from understudy_server.vectors.draft import Draft
from understudy_server.vectors.finding import Found

PATIENCE = 10 * SECOND
"""After which others go on with what nobody has finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStore:
    project: str
    record: VectorStoreRecord
    """Complete but for what the head holds."""
    file_ids: Sequence[str] = ()
    """Each once; at most 10,000."""
    strategy: tool_pb2.ChunkingStrategy
    """Resolved."""

    @property
    def id(self) -> str:
        return self.record.store.id

    @property
    def partition(self) -> Partition:
        return tables.vector_store_partition(self.project, self.id)


async def create(shared: Collaborators, new: NewStore) -> Found:
    """The store with all its files. A file that is gone by now is left out.

    Raises ``NotFound`` for a store that was made before and deleted since, ``IdempotencyMismatch``; ``StoreError``s.
    """
    try:
        await commit_new(shared.store, new.partition, _first(new, shared.store.now()), shared.clock)
    except Conflict:
        before = await finding.find(shared.store, new.project, new.id)
        if before is None:
            raise gone(new.id) from None
        same_request(before.record.body.fingerprint, new.record.fingerprint)
    if new.file_ids:
        await fill(shared, new.partition)
    found = await finding.find(shared.store, new.project, new.id)
    if found is None:
        raise gone(new.id)
    return found


async def created_before(
    shared: Collaborators, project: str, id: str, fingerprint: bytes
) -> Found | None:
    """What an earlier request with this idempotency key made; ``fingerprint`` empty: there is no key.

    Raises ``NotFound`` if it is deleted, ``IdempotencyMismatch``.
    """
    if not fingerprint:
        return None
    partition = tables.vector_store_partition(project, id)
    if await tables.vector_heads.get(shared.store, partition, HEAD_ID, fresh=True) is None:
        return None
    found = await finding.find(shared.store, project, id)
    if found is None:
        raise gone(id)
    same_request(found.record.body.fingerprint, fingerprint)
    await fill(shared, partition)
    return await finding.find(shared.store, project, id)


async def fill(shared: Collaborators, partition: Partition) -> None:
    """Adds the files that were promised to a store; any number of cores may do it together.

    Raises ``StoreGone`` and other ``StoreError``s.
    """
    id = tables.vector_store_of(partition)
    while True:
        row = await tables.errands.get(shared.store, partition, id, fresh=True)
        if row is None:
            return
        ids = row.body.file_ids[: membership.CHUNK]
        await _add(shared, partition, row, ids)
        await membership.confirm_all(shared, partition.project, id, ids)


async def _add(
    shared: Collaborators, partition: Partition, errand: Row[VectorStoreErrand], ids: Sequence[str]
) -> None:
    store_id = tables.vector_store_of(partition)
    found = await membership.point(shared, partition.project, store_id, ids)

    async def decide(draft: Draft) -> None:
        now = await tables.errands.get(shared.store, partition, errand.id, fresh=True)
        if now is None or now.version != errand.version:
            return  # somebody else has added them
        for id in ids:
            draft.head.counts.in_progress -= 1
            draft.head.counts.total -= 1
            if id in found:
                entry = Entry(
                    file_id=id,
                    filename=found[id].body.file.filename,
                    strategy=errand.body.chunking_strategy,
                )
                await membership.add_to(draft, entry)
        rest = VectorStoreErrand()
        rest.CopyFrom(errand.body)
        del rest.file_ids[: len(ids)]
        if not rest.file_ids:
            draft.add(tables.errands.delete(errand))
            return
        due = draft.now + PATIENCE
        draft.add(
            tables.errands.put(
                errand.id, rest, expected=errand.version, order=errand.order, due=due
            )
        )

    await amend(shared.store, shared.clock, partition, decide)


def _first(new: NewStore, now: int) -> list[Operation]:
    """The commit that makes the store exist."""
    promised = len(new.file_ids)
    head = VectorStoreHead()
    head.counts.in_progress = head.counts.total = promised
    operations: list[Operation] = [
        tables.vector_heads.put(HEAD_ID, head, expected=None, order=0),
        tables.vector_stores.put(
            new.id,
            new.record,
            expected=None,
            order=now,
            due=view.due(new.record.store),
            labels=(ALL,),
        ),
    ]
    if promised:
        errand = VectorStoreErrand(
            vector_store_id=new.id, file_ids=new.file_ids, chunking_strategy=new.strategy
        )
        due = now + PATIENCE
        operations.append(tables.errands.put(new.id, errand, expected=None, order=now, due=due))
    return operations


def gone(id: str) -> NotFound:
    return NotFound(
        f"No vector store found with id '{id}'.", resource=("understudy.v1.VectorStore", id)
    )
