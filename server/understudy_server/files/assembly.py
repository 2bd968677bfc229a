"""The room of files and uploads, put together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from understudy_server.files import loose
from understudy_server.files.background import Background
from understudy_server.files.ending import UploadEnding
from understudy_server.files.reading import has_expired
from understudy_server.files.removal import LeaveStore, Removal
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.worker import Attendant
from understudy_server.store import tables
from understudy_server.store.port import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRoom:
    removal: Removal
    background: Background

    @property
    def attendants(self) -> dict[str, Attendant]:
        """For the worker, by kind of record."""
        return dict.fromkeys(self.background.kinds, self.background.attend)


def open_files(shared: Collaborators, leave_store: LeaveStore, stack: AsyncExitStack) -> FileRoom:
    """To be opened after the blobs and before the worker: ``stack`` ends its work in between."""
    store, clock, blobs = shared.store, shared.clock, shared.blobs
    removal = Removal(store, clock, blobs, leave_store)

    async def discard(record: Record) -> None:
        row = await tables.loose_blobs.get(store, record.partition, record.id, fresh=True)
        if row is not None and _is_due(row.record, store.now()):
            await loose.discard(store, clock, blobs, row)

    async def expire(record: Record) -> None:
        row = await tables.files.get(store, record.partition, record.id, fresh=True)
        if row is not None and has_expired(row.body, store.now()):
            begun = await removal.begin(row)
            if begun is not None:
                await removal.finish(begun)

    async def remove(record: Record) -> None:
        row = await tables.removals.get(store, record.partition, record.id, fresh=True)
        if row is not None:
            await removal.finish(row)

    work = {
        tables.loose_blobs.kind: discard,
        tables.files.kind: expire,
        tables.removals.kind: remove,
        tables.uploads.kind: UploadEnding(store, clock, blobs).attend,
    }
    background = Background(clock, work)
    stack.push_async_callback(background.close)
    return FileRoom(removal=removal, background=background)


def _is_due(record: Record, now: int) -> bool:
    return record.due is not None and record.due <= now
