"""Files that are added together.

What a batch adds is written down first, in as many commits as it takes, behind a batch that nobody sees; the last of
them makes the batch exist, with all its files counted as in progress. From then on its entries are turned into files
of the store, by the request that made it and by whoever finds it due. A crash before that commit leaves a batch that
never was, and is removed; a crash after it leaves one that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict
from understudy_server.idempotency import same_request
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Operation, Partition, Record
from understudy_server.store.v1.records_pb2 import VectorStoreFileBatchRecord
from understudy_server.vectors import membership
from understudy_server.vectors.adding import Entry
from understudy_server.vectors.amend import amend
from understudy_server.vectors.counting import IN_PROGRESS, batch_after
from understudy_server.vectors.draft import Draft

CHUNK_OPERATIONS = 90
CHUNK_BYTES = 700_000
"""Of entries in one commit."""

MAX_BATCHES = 20
"""That wait for one file: all of them are written when it is done. For more it counts as cancelled."""

PATIENCE = 10 * SECOND
"""After which others go on with what nobody has finished."""

STAGE_LIMIT = 60 * SECOND
"""After which a batch that does not exist yet never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    partition: Partition
    id: str
    fingerprint: bytes
    created_at: int
    entries: Sequence[files.NewVectorStoreFile]
    """Each file once, its strategy resolved; at least one."""


async def create(shared: Collaborators, new: NewBatch) -> files.VectorStoreFileBatch:
    """The batch, with all its files in the store.

    Raises ``IdempotencyMismatch``, ``StoreGone``, ``StateConflict``, other ``StoreError``s.
    """
    chunks = split(new.entries)
    done = 0
    for chunk in chunks:
        await _write_down(shared, new, chunk, before=done, last=chunk is chunks[-1])
        done += len(chunk)
    await apply(shared, new.partition, new.id)
    row = await tables.vector_batches.get(shared.store, new.partition, new.id, fresh=True)
    if row is None:
        raise Conflict("the batch was given up, or its store is gone")
    return row.body.batch


async def created_before(
    shared: Collaborators, partition: Partition, id: str, fingerprint: bytes
) -> files.VectorStoreFileBatch | None:
    """What an earlier request with this idempotency key made; ``fingerprint`` empty: there is no key."""
    if not fingerprint:
        return None
    row = await tables.vector_batches.get(shared.store, partition, id, fresh=True)
    if row is None:
        return None
    same_request(row.body.fingerprint, fingerprint)
    if row.body.staged:
        return None
    await apply(shared, partition, id)
    row = await tables.vector_batches.get(shared.store, partition, id, fresh=True)
    return None if row is None else row.body.batch


def split(entries: Sequence[files.NewVectorStoreFile]) -> list[list[files.NewVectorStoreFile]]:
    """Into chunks that fit a commit."""
    chunks: list[list[files.NewVectorStoreFile]] = [[]]
    size = 0
    for entry in entries:
        more = entry.ByteSize()
        full = len(chunks[-1]) >= CHUNK_OPERATIONS or size + more > CHUNK_BYTES
        if chunks[-1] and full:
            chunks.append([])
            size = 0
        chunks[-1].append(entry)
        size += more
    return chunks


async def _write_down(
    shared: Collaborators,
    new: NewBatch,
    chunk: Sequence[files.NewVectorStoreFile],
    *,
    before: int,
    last: bool,
) -> None:
    """``before``: how many entries the chunks before this one have; it tells which chunk comes next."""

    async def decide(draft: Draft) -> None:
        row = await draft.batch(new.id)
        written = 0 if row is None else row.body.batch.file_counts.total
        if row is not None:
            same_request(row.body.fingerprint, new.fingerprint)
            if not row.body.staged or written > before:
                return  # by ourselves, the answer being lost, or by the same request made twice
        if written != before or (row is not None and _is_given_up(row.body)):
            raise Conflict("this batch was given up")
        after = VectorStoreFileBatchRecord(fingerprint=new.fingerprint, staged=not last)
        after.batch.id = new.id
        after.batch.created_at = new.created_at
        after.batch.vector_store_id = tables.vector_store_of(new.partition)
        after.batch.status = files.VECTOR_STORE_FILE_BATCH_STATUS_IN_PROGRESS
        counts = after.batch.file_counts
        counts.in_progress = counts.total = before + len(chunk)
        draft.add(
            tables.vector_batches.put(
                new.id,
                after,
                expected=None if row is None else row.version,
                order=draft.now if row is None else row.order,
                due=draft.now + (PATIENCE if last else STAGE_LIMIT),
            ),
            *(
                tables.vector_entries(new.id).put(
                    entry.file_id, entry, expected=None, order=before + number
                )
                for number, entry in enumerate(chunk, 1)
            ),
        )

    await amend(shared.store, shared.clock, new.partition, decide)


async def apply(shared: Collaborators, partition: Partition, batch_id: str) -> None:
    """Adds the files that a batch is still to add; any number of cores may do it together.

    Raises ``StoreGone`` and other ``StoreError``s.
    """
    table = tables.vector_entries(batch_id)
    while True:
        row = await tables.vector_batches.get(shared.store, partition, batch_id, fresh=True)
        if row is None or row.body.staged or row.record.due is None or is_cancelled(row.body):
            return
        found = await shared.store.list(partition, table.kind, limit=membership.CHUNK + 1)
        chunk = found[: membership.CHUNK]
        await _add(shared, partition, batch_id, chunk, last=len(chunk) == len(found))
        store_id = tables.vector_store_of(partition)
        ids = [record.id for record in chunk]
        await membership.confirm_all(shared, partition.project, store_id, ids)


async def _add(
    shared: Collaborators,
    partition: Partition,
    batch_id: str,
    chunk: Sequence[Record],
    *,
    last: bool,
) -> None:
    """Turns entries into files of the store; after the last of them the batch needs nobody any more."""
    store_id = tables.vector_store_of(partition)
    table = tables.vector_entries(batch_id)
    names = await membership.point(shared, partition.project, store_id, [r.id for r in chunk])

    async def decide(draft: Draft) -> None:
        batch = await draft.batch(batch_id)
        if batch is None or is_cancelled(batch.body) or batch.record.due is None:
            return
        if not await _are_there(shared, partition, chunk):
            return  # somebody else has added them
        operations: list[Operation] = []
        after = VectorStoreFileBatchRecord()
        after.CopyFrom(batch.body)
        for record in chunk:
            operations.append(tables.remove(record))
            status = None
            if record.id in names:
                given = table.parse(record).body
                entry = Entry(
                    file_id=record.id,
                    filename=names[record.id].body.file.filename,
                    strategy=given.chunking_strategy,
                    attributes=given.attributes,
                )
                status = await _status(draft, entry, batch_id)
                kind = tables.vector_files_of(batch_id)
                operations.append(tables.pointer(kind, record.id, record.order))
            if status != IN_PROGRESS:
                after.batch.CopyFrom(batch_after(after.batch, status))
        draft.add(*operations)
        due = None if last else draft.now + PATIENCE
        draft.put_batch(batch, after, due=due)

    await amend(shared.store, shared.clock, partition, decide)


async def _status(
    draft: Draft, entry: Entry, batch_id: str
) -> files.VectorStoreFileStatus.ValueType | None:
    """Drafts that a file is added; how the batch counts it."""
    row = await draft.file(entry.file_id)
    if row is not None and len(row.body.batches) >= MAX_BATCHES:
        await membership.add_to(draft, entry)
        return None
    return (await membership.add_to(draft, entry, batch=batch_id)).file.status


async def _are_there(
    shared: Collaborators, partition: Partition, records: Sequence[Record]
) -> bool:
    for record in records:
        now = await shared.store.get(partition, record.kind, record.id, fresh=True)
        if now is None or now.version != record.version:
            return False
    return True


def is_cancelled(record: VectorStoreFileBatchRecord) -> bool:
    """Whether somebody asked for it, though files may still be in progress."""
    return record.batch.status == files.VECTOR_STORE_FILE_BATCH_STATUS_CANCELLED


def _is_given_up(record: VectorStoreFileBatchRecord) -> bool:
    return record.batch.status == files.VECTOR_STORE_FILE_BATCH_STATUS_FAILED
