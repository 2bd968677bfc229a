"""Waiting for a run on a caller's behalf."""

from __future__ import annotations

from understudy.v1 import run_pb2
from understudy_server.errors import NotFound
from understudy_server.runs import machine
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Partition

POLL = 2.0
"""Seconds between looks when no wake-up comes."""


async def wait_settled(
    shared: Collaborators, partition: Partition, run_id: str, *, seconds: float
) -> run_pb2.Run:
    """The run's state when it has ended or needs action, or after ``seconds`` as it then stands."""
    end = shared.clock.monotonic() + seconds
    with shared.store.watch(partition) as watch:
        while True:
            row = await tables.runs.get(shared.store, partition, run_id, fresh=True)
            if row is None:
                raise NotFound(f"No run found with id '{run_id}'.")
            left = end - shared.clock.monotonic()
            if row.body.run.status in machine.STREAM_ENDS or left <= 0:
                return row.body.run
            await watch.wait(min(left, POLL))
