"""What remains of a deleted thread, and of one whose creation never finished, is removed in chunks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from understudy_server.clock import Clock
from understudy_server.errors import Conflict
from understudy_server.runs import head as heads
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Check, DropLog, Operation, Record, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import Head

CHUNK = 45
"""Records in one commit; a run state takes its log with it."""

MAX_CHUNKS = 20
"""In one go; the rest stays due, so that a large thread keeps nothing else waiting."""


Leaving: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Looks at records before they go. What it raises leaves them, and they stay due."""


async def _unnoticed(records: Sequence[Record]) -> None:
    del records


async def purge(
    store: Store, clock: Clock, head: Row[Head], *, leaving: Leaving = _unnoticed
) -> None:
    """Removes everything but a tombstone, which stays so that the id never comes back.

    A thread that never existed leaves nothing at all. Raises ``Conflict`` when another core purges too, or
    when a creation that was slow has gone on.
    """
    if head.body.staged:
        head = await _fence(store, clock, head)
    partition = head.record.partition
    for _ in range(MAX_CHUNKS):
        found = await store.list(partition, None, limit=CHUNK + 1)
        operations: list[Operation] = []
        for record in found:
            if record.kind == tables.heads.kind:
                continue
            operations.append(tables.remove(record))
            if record.kind == tables.runs.kind:
                operations.append(DropLog(log=record.id))
        last = not operations
        await leaving(found)
        operations.append(_finish(head) if last else _unchanged(head))
        await commit_new(store, partition, operations, clock)
        if last:
            return


async def _fence(store: Store, clock: Clock, head: Row[Head]) -> Row[Head]:
    """Whoever is still creating the thread meets a conflict, and never shows one with holes."""
    now = store.now()
    put = tables.heads.put(
        HEAD_ID, head.body, expected=head.version, order=0, due=now + heads.STAGE_LIMIT
    )
    (version,) = await commit_new(store, head.record.partition, [put], clock)
    if version is None:
        raise Conflict("another core purges this thread")
    return tables.heads.written(head, put, version)


def _unchanged(head: Row[Head]) -> Operation:
    return Check(kind=tables.heads.kind, id=HEAD_ID, expected=head.version)


def _finish(head: Row[Head]) -> Operation:
    if head.body.tombstone:
        return tables.heads.put(HEAD_ID, head.body, expected=head.version, order=0)
    return tables.heads.delete(head)
