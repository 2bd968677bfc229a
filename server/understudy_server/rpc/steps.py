"""Operations on run steps."""

from __future__ import annotations

from functools import partial

from understudy.v1 import run_step_pb2
from understudy_server.errors import NotFound, Unimplemented
from understudy_server.rpc import lookup, paging
from understudy_server.rpc.caller import Caller
from understudy_server.runs import machine
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Position
from understudy_server.store.v1.records_pb2 import RunState, StepRecord

_SETTING = "UNDERSTUDY_KEEP_MODEL_REQUESTS"


class Steps:
    def __init__(self, shared: Collaborators) -> None:
        self._store = shared.store
        self._keeps_calls = shared.keep_model_requests

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

    async def model_call(
        self, caller: Caller, request: run_step_pb2.GetRunStepModelCallRequest
    ) -> run_step_pb2.RunStepModelCall:
        partition, _, _ = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        step = await tables.steps(request.run_id).get(
            self._store, partition, request.step_id, fresh=True
        )
        if step is None:
            raise lookup.missing(lookup.STEP, request.step_id)
        if not self._keeps_calls:
            # Not "not found": the step is there, and a program that asks must not take it for gone.
            raise Unimplemented(
                f"This server does not keep what it sends to models. With {_SETTING}=true it does, for steps that "
                "begin from then on."
            )
        kept = await tables.model_calls(request.run_id).get(
            self._store, partition, step.body.request, fresh=True
        )
        if kept is None:
            raise NotFound(
                f"No model request is kept for run step '{step.id}': the step began while {_SETTING} was off."
            )
        call = kept.body.call
        call.step_id = step.id
        return call


def shown(record: StepRecord, state: RunState) -> run_step_pb2.RunStep:
    """A step tells when its run expires only while the run lives."""
    step = record.step
    if state.run.status in machine.TERMINAL:
        step.ClearField("expires_at")
    return step
