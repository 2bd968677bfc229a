"""Operations on run steps."""

from __future__ import annotations

from functools import partial

from understudy.v1 import run_step_pb2
from understudy_server.rpc import lookup, paging
from understudy_server.rpc.caller import Caller
from understudy_server.runs import machine
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Position
from understudy_server.store.v1.records_pb2 import RunState, StepRecord


class Steps:
    def __init__(self, shared: Collaborators) -> None:
        self._store = shared.store

    async def list(
        self, caller: Caller, request: run_step_pb2.ListRunStepsRequest
    ) -> run_step_pb2.ListRunStepsResponse:
        partition, _, state = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        table = tables.steps(request.run_id)

        async def locate(id: str) -> Position:
            row = await table.get(self._store, partition, id, fresh=True)
            if row is None:
                raise lookup.missing(lookup.STEP, id)
            return row.record.position

        page = await paging.page(request, partial(self._store.list, partition, table.kind), locate)
        data = [shown(table.parse(record).body, state.body) for record in page.records]
        return run_step_pb2.ListRunStepsResponse(
            data=data, has_more=page.has_more, **paging.ends([step.id for step in data])
        )

    async def get(
        self, caller: Caller, request: run_step_pb2.GetRunStepRequest
    ) -> run_step_pb2.RunStep:
        partition, _, state = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        table = tables.steps(request.run_id)
        row = await table.get(self._store, partition, request.step_id, fresh=True)
        if row is None:
            raise lookup.missing(lookup.STEP, request.step_id)
        return shown(row.body, state.body)


def shown(record: StepRecord, state: RunState) -> run_step_pb2.RunStep:
    """A step tells when its run expires only while the run lives."""
    step = record.step
    if state.run.status in machine.TERMINAL:
        step.ClearField("expires_at")
    return step
