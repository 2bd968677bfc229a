"""Which files are in which vector stores: kept on both sides.

Beside a file stands a pointer to every store that it is in, so that its deletion finds them. The pointer comes before
the file is added to the store, and goes after it was taken out: one too many is harmless, and one too few would leave
the text of a deleted file in a store. Since the two are written in different partitions, whoever adds looks again
afterwards, and so does whoever works on the file (``confirm``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from understudy_server.errors import Conflict, NotFound
from understudy_server.files import reading
from understudy_server.idempotency import same_request
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import MAX_TRIES, after_conflict, commit_new
from understudy_server.store.port import Check, Operation, Partition
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import FileRecord, Gone, VectorStoreFileRecord
from understudy_server.vectors import finding
from understudy_server.vectors.adding import Entry, added, is_restarted
from understudy_server.vectors.amend import Changed, StoreGone, amend, amend_file
from understudy_server.vectors.draft import Draft

CHUNK = 16
"""Files that are added in one commit: each takes up to six operations."""


async def add_file(
    shared: Collaborators, project: str, store_id: str, entry: Entry, *, key: tuple[str, bytes]
) -> VectorStoreFileRecord:
    """Adds one file; ``key``: the id of the receipt for an idempotency key, and the request's fingerprint, or empty.

    Raises ``NotFound`` for a file that is gone, or was added with this key and taken out since;
    ``IdempotencyMismatch``; ``StoreGone``; other ``StoreError``s.
    """
    partition = tables.vector_store_partition(project, store_id)
    receipt, fingerprint = key
    await point(shared, project, store_id, [entry.file_id])

    async def decide(draft: Draft) -> VectorStoreFileRecord:
        before = await added_before(shared, partition, entry.file_id, key)
        if before is not None:
            return before
        if fingerprint:
            note = Gone(fingerprint=fingerprint)
            draft.add(tables.vector_file_keys.put(receipt, note, expected=None, order=draft.now))
        return await add_to(draft, entry)

    record = await amend(shared.store, shared.clock, partition, decide)
    if await confirm(shared, project, store_id, entry.file_id) is None:
        raise not_there([entry.file_id])
    return record


async def added_before(
    shared: Collaborators, partition: Partition, file_id: str, key: tuple[str, bytes]
) -> VectorStoreFileRecord | None:
    """What an earlier request with this idempotency key added. Raises as ``add_file`` does."""
    receipt, fingerprint = key
    if not fingerprint:
        return None
    old = await tables.vector_file_keys.get(shared.store, partition, receipt, fresh=True)
    if old is None:
        return None
    same_request(old.body.fingerprint, fingerprint)
    row = await tables.vector_files.get(shared.store, partition, file_id, fresh=True)
    if row is None:
        raise missing(file_id, tables.vector_store_of(partition))
    return row.body


async def add_to(draft: Draft, entry: Entry, *, batch: str | None = None) -> VectorStoreFileRecord:
    """Drafts that a file is added; gives it as it then is."""
    row = await draft.file(entry.file_id)
    before = None if row is None else row.body
    store_id = tables.vector_store_of(draft.partition)
    after = added(before, entry, store_id=store_id, now=draft.now, batch=batch)
    if after is None:
        assert before is not None
        return before
    due = row.record.due if row is not None else None
    if is_restarted(before, after):
        due = draft.now
    await draft.put_file(entry.file_id, after, due=due)
    return after


async def remove_file(shared: Collaborators, project: str, store_id: str, file_id: str) -> bool:
    """Takes a file out of a store, whether or not the file itself still exists; False: it was not in it.

    What was made of the file goes with it; then the pointer beside the file. Raises ``StoreError``s.
    """
    place = tables.files_of(project)
    pointer = await shared.store.get(place, tables.stores_with(file_id), store_id, fresh=True)
    was_there = await take_out(shared, project, store_id, file_id)
    if pointer is not None:
        with suppress(Conflict):  # somebody else has done it
            await commit_new(shared.store, place, [tables.remove(pointer)], shared.clock)
    if not await _is_there(shared, project, store_id, file_id):
        return was_there
    # Added again in between, with a pointer that was there and now is not.
    if file_id not in await point(shared, project, store_id, [file_id]):
        await take_out(shared, project, store_id, file_id)
    return was_there


async def take_out(shared: Collaborators, project: str, store_id: str, file_id: str) -> bool:
    """As ``remove_file``, for a file that is gone: its pointers are the caller's."""
    partition = tables.vector_store_partition(project, store_id)
    was_there = False

    def decide(_: object, row: Row[VectorStoreFileRecord] | None) -> Changed | None:
        nonlocal was_there
        was_there = was_there or row is not None
        return None if row is None else Changed(record=None)

    with suppress(StoreGone):
        await amend_file(shared.store, shared.clock, partition, file_id, decide)
    return was_there


async def _is_there(shared: Collaborators, project: str, store_id: str, file_id: str) -> bool:
    partition = tables.vector_store_partition(project, store_id)
    if await tables.vector_files.get(shared.store, partition, file_id, fresh=True) is None:
        return False
    # What is left of a deleted store does not count.
    return await finding.find(shared.store, project, store_id) is not None


async def confirm(
    shared: Collaborators, project: str, store_id: str, file_id: str
) -> Row[FileRecord] | None:
    """The file, with a pointer beside it that names the store; a file that is gone is taken out, and None.

    To be called after a file was added, and before it is worked on. Raises ``StoreError``s.
    """
    found = await point(shared, project, store_id, [file_id])
    if file_id not in found:
        await remove_file(shared, project, store_id, file_id)
        return None
    return found[file_id]


async def confirm_all(
    shared: Collaborators, project: str, store_id: str, file_ids: Sequence[str]
) -> None:
    """As ``confirm``, for at most ``CHUNK`` files."""
    found = await point(shared, project, store_id, file_ids)
    for id in file_ids:
        if id not in found:
            await remove_file(shared, project, store_id, id)


async def point(
    shared: Collaborators, project: str, store_id: str, file_ids: Sequence[str]
) -> Mapping[str, Row[FileRecord]]:
    """Sees to it that each file that is there has a pointer to the store beside it; gives those files.

    At most ``CHUNK`` of them at a time. Raises ``StoreError``s.
    """
    place = tables.files_of(project)
    for attempt in range(MAX_TRIES):
        found = await find_files(shared, project, file_ids)
        pointers = await asyncio.gather(
            *(shared.store.get(place, tables.stores_with(id), store_id, fresh=True) for id in found)
        )
        operations: list[Operation] = []
        for (id, row), pointer in zip(found.items(), pointers, strict=True):
            if pointer is None:
                operations += [
                    Check(kind=tables.files.kind, id=id, expected=row.version),
                    tables.pointer(tables.stores_with(id), store_id, shared.store.now()),
                ]
        if not operations:
            return found
        try:
            await commit_new(shared.store, place, operations, shared.clock)
        except Conflict:
            await after_conflict(shared.clock, attempt)
        else:
            return found
    raise Conflict("too many writers of one project's files")


async def find_files(
    shared: Collaborators, project: str, file_ids: Sequence[str]
) -> dict[str, Row[FileRecord]]:
    """Those files that are there, in the order given."""
    found: dict[str, Row[FileRecord]] = {}
    for start in range(0, len(file_ids), CHUNK):
        ids = file_ids[start : start + CHUNK]
        rows = await asyncio.gather(*(reading.find(shared.store, project, id) for id in ids))
        found |= {id: row for id, row in zip(ids, rows, strict=True) if row is not None}
    return found


def missing(file_id: str, store_id: str) -> NotFound:
    """A file that is not in the store."""
    return NotFound(
        f"No file found with id '{file_id}' in vector store '{store_id}'.",
        resource=("understudy.v1.VectorStoreFile", file_id),
    )


def not_there(file_ids: Sequence[str], param: str | None = None) -> NotFound:
    """Files that a request names, and that are not there."""
    return NotFound(
        f"The following files were not found: {', '.join(file_ids)}",
        param=param,
        resource=("understudy.v1.File", file_ids[0]),
    )
