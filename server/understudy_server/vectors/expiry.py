"""Vector stores that nobody has used for long: when they were used, and what goes once they have expired."""

from __future__ import annotations

from contextlib import suppress

from understudy.v1 import vector_store_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Position
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord, VectorStoreRecord
from understudy_server.vectors import view
from understudy_server.vectors.amend import Changed, amend_file
from understudy_server.vectors.cancelling import cancelled
from understudy_server.vectors.counting import IN_PROGRESS
from understudy_server.vectors.finding import Found

TOUCH_EVERY = 60
"""Seconds: a store that was used less long ago is not written for being used again."""

PAGE = 100


async def touch(shared: Collaborators, found: Found) -> None:
    """Notes that the store is used now. Raises ``StoreUnavailable`` and ``OutcomeUnknown``."""
    seconds = shared.store.now() // SECOND
    before = found.record.body
    if seconds < before.store.last_active_at + TOUCH_EVERY:
        return
    after = VectorStoreRecord()
    after.CopyFrom(before)
    after.store.last_active_at = seconds
    view.set_expiry(after.store)
    put = tables.vector_stores.put(
        found.record.id,
        after,
        expected=found.record.version,
        order=found.record.order,
        due=view.due(after.store),
        labels=(tables.ALL,),
    )
    with suppress(Conflict):  # somebody else has just used it, or changed it, or deleted it
        await commit_new(shared.store, found.partition, [put], shared.clock)


async def attend(shared: Collaborators, row: Row[VectorStoreRecord]) -> None:
    """Removes what an expired store was searched with; its files stay listed. Raises ``StoreError``s."""
    if not view.has_expired(row.body, shared.store.now()):
        return
    partition = row.record.partition
    low: Position | None = None
    while True:
        page = await shared.store.list(partition, tables.vector_files.kind, low=low, limit=PAGE)
        for record in page:
            file = tables.vector_files.parse(record).body
            if _emptied(file) is not None:
                await amend_file(shared.store, shared.clock, partition, record.id, _decide)
        if len(page) < PAGE:
            break
        low = page[-1].position
    after = VectorStoreRecord()
    after.CopyFrom(row.body)
    after.store.status = vector_store_pb2.VECTOR_STORE_STATUS_EXPIRED
    put = tables.vector_stores.put(
        row.id, after, expected=row.version, order=row.order, labels=(tables.ALL,)
    )
    await commit_new(shared.store, partition, [put], shared.clock)


def _decide(_: object, row: Row[VectorStoreFileRecord] | None) -> Changed | None:
    after = None if row is None else _emptied(row.body)
    return None if after is None else Changed(record=after)


def _emptied(record: VectorStoreFileRecord) -> VectorStoreFileRecord | None:
    """The file without anything to search; None: there is nothing."""
    if record.file.status == IN_PROGRESS:
        return cancelled(record)
    if not record.HasField("segment"):
        return None
    after = VectorStoreFileRecord()
    after.CopyFrom(record)
    after.ClearField("segment")
    after.chunks = 0
    after.file.usage_bytes = 0
    return after
