"""What has become of a run that has a slot."""

from __future__ import annotations

from understudy_server.clock import SECOND
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.port import Store
from understudy_server.store.tables import HEAD_ID
from understudy_server.store.v1.records_pb2 import RunSlot

BIRTH = 60 * SECOND
"""Microseconds after which a run that is not there will not come: its core died between slot and run.

A core that needs longer for the commit of a run, for want of a store, may begin one that is not counted.
"""

_MOST_STEPS = 10_000


async def tokens_if_over(
    store: Store, run_id: str, slot: RunSlot, *, given_up: bool = False
) -> int | None:
    """The tokens of a run that has ended, or never began; None while it lives or may still begin.

    A run whose thread is deleted has ended with what its steps tell, as long as they are there: the purge counts it
    before it takes the first of them. ``given_up``: whoever took the slot says that the run will not come.
    """
    partition = tables.thread_partition(slot.project, slot.thread_id)
    state = await tables.runs.get(store, partition, run_id, fresh=True)
    if state is not None and state.body.run.status in machine.TERMINAL:
        return state.body.run.usage.total_tokens
    head = await tables.heads.get(store, partition, HEAD_ID, fresh=True)
    if head is not None and head.body.tombstone:
        if state is None:
            # It never began, or is being purged, and then it is counted.
            return 0
        rows = await tables.steps(run_id).list(store, partition, limit=_MOST_STEPS)
        return machine.total_usage(
            row.body.usage for row in rows if row.body.HasField("usage")
        ).total_tokens
    if state is not None:
        return None
    return 0 if given_up or store.now() - slot.taken_at >= BIRTH else None
