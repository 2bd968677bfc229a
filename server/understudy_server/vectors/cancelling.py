"""Batches of files end before their time: cancelled by their owner, or given up before they existed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.errors import StateConflict
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Partition, Position, Record
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileBatchRecord, VectorStoreFileRecord
from understudy_server.vectors.amend import amend
from understudy_server.vectors.batches import PATIENCE, STAGE_LIMIT, apply, is_cancelled
from understudy_server.vectors.counting import CANCELLED, IN_PROGRESS, batch_after
from understudy_server.vectors.draft import Draft

CHUNK = 10
"""Files that are cancelled in one commit: each takes three operations, and one for every batch that counts it."""

ENTRIES = 80
"""Entries that are removed in one commit."""

PAGE = 200


async def cancel(
    shared: Collaborators, partition: Partition, batch_id: str
) -> files.VectorStoreFileBatch:
    """Stops the work on the files of a batch that are in progress.

    The wish is written down first, so that it is carried out whatever happens. Raises ``StateConflict`` for a batch
    that has ended; ``StoreGone`` and other ``StoreError``s.
    """
    tried = False

    async def decide(draft: Draft) -> None:
        nonlocal tried
        row = await draft.batch(batch_id)
        assert row is not None, "a batch that exists goes only with its store"
        if is_cancelled(row.body) and (tried or row.body.batch.file_counts.in_progress):
            return
        tried = True
        if row.body.batch.status != files.VECTOR_STORE_FILE_BATCH_STATUS_IN_PROGRESS:
            word = files.VectorStoreFileBatchStatus.Name(row.body.batch.status)
            word = word.removeprefix("VECTOR_STORE_FILE_BATCH_STATUS_").lower()
            raise StateConflict(f"Cannot cancel vector store file batch with status '{word}'.")
        after = VectorStoreFileBatchRecord()
        after.CopyFrom(row.body)
        after.batch.status = files.VECTOR_STORE_FILE_BATCH_STATUS_CANCELLED
        draft.put_batch(row, after, due=draft.now + PATIENCE)

    await amend(shared.store, shared.clock, partition, decide)
    await finish_cancelling(shared, partition, batch_id)
    row = await tables.vector_batches.get(shared.store, partition, batch_id, fresh=True)
    assert row is not None, "see above"
    return row.body.batch


async def attend(shared: Collaborators, row: Row[VectorStoreFileBatchRecord]) -> None:
    """Goes on with a batch that is due. Raises ``StoreError``s."""
    partition = row.record.partition
    if row.body.staged:
        await _give_up(shared, partition, row.id)
    elif is_cancelled(row.body):
        await finish_cancelling(shared, partition, row.id)
    else:
        await apply(shared, partition, row.id)


async def finish_cancelling(shared: Collaborators, partition: Partition, batch_id: str) -> None:
    """First what was not added yet, then the files that are in progress; at last nobody needs to look any more."""
    while await _remove_entries(shared, partition, batch_id):
        pass
    low: Position | None = None
    kind = tables.vector_files_of(batch_id)
    while True:
        page = await shared.store.list(partition, kind, low=low, limit=PAGE)
        for start in range(0, len(page), CHUNK):
            await _cancel_files(shared, partition, batch_id, page[start : start + CHUNK])
        if len(page) < PAGE:
            break
        low = page[-1].position

    async def decide(draft: Draft) -> None:
        row = await draft.batch(batch_id)
        if row is not None and row.record.due is not None:
            draft.put_batch(row, row.body, due=None)

    await amend(shared.store, shared.clock, partition, decide)


async def _remove_entries(shared: Collaborators, partition: Partition, batch_id: str) -> bool:
    """Some of what is still to be added; False: there was nothing."""
    kind = tables.vector_entries(batch_id).kind

    async def decide(draft: Draft) -> bool:
        entries = await shared.store.list(partition, kind, limit=ENTRIES)
        row = await draft.batch(batch_id)
        if not entries or row is None:
            return False
        after = VectorStoreFileBatchRecord()
        after.CopyFrom(row.body)
        for _ in entries:
            after.batch.CopyFrom(batch_after(after.batch, None))
        draft.put_batch(row, after, due=row.record.due)
        draft.add(*map(tables.remove, entries))
        return True

    return await amend(shared.store, shared.clock, partition, decide)


async def _cancel_files(
    shared: Collaborators, partition: Partition, batch_id: str, pointers: Sequence[Record]
) -> None:
    async def decide(draft: Draft) -> None:
        rows = await asyncio.gather(*(draft.file(pointer.id) for pointer in pointers))
        for row in rows:
            if row is None or batch_id not in row.body.batches:
                continue
            if row.body.file.status == IN_PROGRESS:
                await draft.put_file(row.id, cancelled(row.body))

    await amend(shared.store, shared.clock, partition, decide)


def cancelled(before: VectorStoreFileRecord) -> VectorStoreFileRecord:
    """Nobody holds it any more; whoever worked on it finds that out."""
    after = VectorStoreFileRecord()
    after.CopyFrom(before)
    after.file.status = CANCELLED
    after.holder = ""
    after.lease_until = 0
    return after


async def _give_up(shared: Collaborators, partition: Partition, batch_id: str) -> None:
    """Removes a batch that nobody finished writing down. Whoever is still at it meets a conflict."""

    async def fence(draft: Draft) -> None:
        row = await draft.batch(batch_id)
        if row is None or not row.body.staged:
            return
        after = VectorStoreFileBatchRecord()
        after.CopyFrom(row.body)
        after.batch.status = files.VECTOR_STORE_FILE_BATCH_STATUS_FAILED
        draft.put_batch(row, after, due=draft.now + STAGE_LIMIT)

    async def remove(draft: Draft) -> bool:
        row = await draft.batch(batch_id)
        if row is None or not row.body.staged:
            return False
        kind = tables.vector_entries(batch_id).kind
        entries = await shared.store.list(partition, kind, limit=ENTRIES)
        draft.add(*map(tables.remove, entries))
        if not entries:
            draft.add(tables.vector_batches.delete(row))
        return bool(entries)

    await amend(shared.store, shared.clock, partition, fence)
    while await amend(shared.store, shared.clock, partition, remove):
        pass
