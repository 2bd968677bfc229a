"""Bytes that no record names: not yet, or no longer.

Who writes a blob first ``announce``s it in the partition of the record that is to name it; the commit that names it
deletes the announcement with ``named``. A record that lets go of a blob does so in the commit that puts ``dropped``.
So at every moment some record of the partition knows of the blob, and what a crash leaves is found when it is due.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from understudy_server.blobs.port import Blobs
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import BlobsUnavailable, StoreError
from understudy_server.ids import Ids
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Commit, Delete, Partition, Put, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Blob, LooseBlob

DAY = 24 * 3600 * SECOND
"""Microseconds that a writer has. Whoever is slower meets a conflict when it names its blob."""

PATIENCE, FIRST_PAUSE = 15.0, 0.02
"""Seconds in which an announcement is tried, and the pause after its first try."""


def new_key(ids: Ids, project: str) -> str:
    """A key that was never given before, in the project's own folder. Holds nothing that a user chose."""
    folder = hashlib.sha256(project.encode()).hexdigest()[:16]
    return f"{folder}/{ids.new('blob_')}"


async def announce(store: Store, clock: Clock, ids: Ids, partition: Partition) -> Row[LooseBlob]:
    """Before the first byte is written; the row says under which key. Raises ``StoreError``.

    A try whose outcome nobody knows is given up with its key, never repeated: one that arrived late, when the blob
    has a name, would have that blob removed.
    """
    end = clock.monotonic() + PATIENCE
    pause = FIRST_PAUSE
    while True:
        now = store.now()
        body = LooseBlob(blob=Blob(key=new_key(ids, partition.project)))
        put = tables.loose_blobs.put(
            _id(body.blob.key), body, expected=None, order=now, due=now + DAY
        )
        commit = Commit(id=uuid.uuid4().hex, partition=partition, operations=(put,))
        try:
            (version,) = await store.commit(commit)
        except StoreError:
            if clock.monotonic() + pause > end:
                raise
        else:
            assert version is not None, "every Put has a version"
            return tables.loose_blobs.made(partition, put, version, commit.id)
        await clock.sleep(pause)
        pause *= 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A blob that waits for its name."""

    blob: Blob
    announcement: Row[LooseBlob]


@asynccontextmanager
async def written(
    shared: Collaborators, partition: Partition, chunks: AsyncIterator[bytes]
) -> AsyncIterator[Written]:
    """Writes a blob, which the commit inside of the context names; if that fails, nothing is left of it.

    Raises ``StoreError``, ``BlobsUnavailable``, and what ``chunks`` raises.
    """
    row = await announce(shared.store, shared.clock, shared.ids, partition)
    try:
        size = await shared.blobs.write(row.body.blob.key, chunks)
        yield Written(blob=Blob(key=row.body.blob.key, bytes=size), announcement=row)
    except BaseException:
        # After a commit of unknown outcome, too: once it has named the blob, this one conflicts.
        with suppress(StoreError, BlobsUnavailable):
            await discard(shared.store, shared.clock, shared.blobs, row)
        raise


def named(row: Row[LooseBlob]) -> Delete:
    """Goes into the commit whose record names the blob."""
    return tables.loose_blobs.delete(row)


def dropped(blob: Blob, now: int) -> Put:
    """Goes into the commit whose record lets go of the blob. ``now``: microseconds, store time."""
    body = LooseBlob(blob=blob, abandoned=True)
    return tables.loose_blobs.put(_id(blob.key), body, expected=None, order=now, due=now)


async def discard(store: Store, clock: Clock, blobs: Blobs, row: Row[LooseBlob]) -> None:
    """Removes a blob that is due, or whose writer gave up; then nothing is left of it.

    A writer that may still be there is fenced first, and its bytes are removed again a day later, when it has
    certainly ended. Raises ``Conflict`` when somebody was quicker, other ``StoreError``s, and ``BlobsUnavailable``.
    """
    partition = row.record.partition
    if not row.body.abandoned:
        body = LooseBlob(blob=row.body.blob, abandoned=True)
        put = tables.loose_blobs.put(
            row.id, body, expected=row.version, order=row.order, due=store.now() + DAY
        )
        await commit_new(store, partition, [put], clock)
        await blobs.delete(row.body.blob.key)
        return
    await blobs.delete(row.body.blob.key)
    await commit_new(store, partition, [tables.loose_blobs.delete(row)], clock)


def _id(key: str) -> str:
    return key.rpartition("/")[2]
