"""What the room of vector stores does with its records once they are due."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from understudy_server.files.background import Background, Work
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Record
from understudy_server.vectors import cancelling, deletion, errands, expiry

if TYPE_CHECKING:
    from understudy_server.runs.worker import Attendant


def open_vectors(shared: Collaborators, stack: AsyncExitStack) -> Mapping[str, Attendant]:
    """For the worker, by kind of record; files that are due are ingestion's. ``stack`` ends what is being done."""
    background = Background(shared.clock, work(shared), component="vectors")
    stack.push_async_callback(background.close)
    return dict.fromkeys(background.kinds, background.attend)


def work(shared: Collaborators) -> Mapping[str, Work]:
    """What is to be done, by kind of record."""

    async def purge(record: Record) -> None:
        await deletion.purge(shared, tables.vector_heads.parse(record))

    async def expire(record: Record) -> None:
        await expiry.attend(shared, tables.vector_stores.parse(record))

    async def go_on(record: Record) -> None:
        await cancelling.attend(shared, tables.vector_batches.parse(record))

    async def run_errand(record: Record) -> None:
        await errands.attend(shared, tables.errands.parse(record))

    return {
        tables.vector_heads.kind: purge,
        tables.vector_stores.kind: expire,
        tables.vector_batches.kind: go_on,
        tables.errands.kind: run_errand,
    }
