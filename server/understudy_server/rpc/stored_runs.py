"""Operations on runs that exist: shown, listed, modified, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from understudy.v1 import run_pb2
from understudy_server.errors import Conflict
from understudy_server.rpc import lookup, paging, updates
from understudy_server.rpc.caller import Caller
from understudy_server.runs import events as ev
from understudy_server.runs import stopping
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import put_state
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Position, Record
from understudy_server.store.v1.records_pb2 import RunState

_BOUND = frozenset({"thread_id", "run_id"})


class StoredRuns:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def list(
        self, caller: Caller, request: run_pb2.ListRunsRequest
    ) -> run_pb2.ListRunsResponse:
        partition, _ = await lookup.thread(self._store, caller.project, request.thread_id)

        async def locate(id: str) -> Position:
            _, _, state = await lookup.run(self._store, caller.project, request.thread_id, id)
            return state.record.position

        lister = partial(self._store.list, partition, tables.runs.kind)
        page = await paging.page(request, lister, locate)
        data = await self._read(page.records)
        return run_pb2.ListRunsResponse(
            data=data, has_more=page.has_more, **paging.ends([run.id for run in data])
        )

    async def list_project(
        self, caller: Caller, request: run_pb2.ListProjectRunsRequest
    ) -> run_pb2.ListProjectRunsResponse:
        labels = []
        if request.HasField("status"):
            labels.append(f"status={request.status}")
        if request.assistant_id:
            labels.append(f"assistant={request.assistant_id}")
        label = "&".join(labels) or tables.ALL
        lister = partial(self._store.directory, caller.project, tables.runs.kind, label)

        async def locate(id: str) -> Position:
            # A cursor names only the run, so it is found by walking the listing that it comes from.
            low: Position | None = None
            while found := await self._store.directory(
                caller.project, tables.runs.kind, tables.ALL, low=low, limit=500
            ):
                for record in found:
                    if record.id == id:
                        return record.position
                low = found[-1].position
            raise lookup.missing(lookup.RUN, id)

        page = await paging.page(request, lister, locate)
        data = await self._read(page.records)
        return run_pb2.ListProjectRunsResponse(
            data=data, has_more=page.has_more, **paging.ends([run.id for run in data])
        )

    async def get(self, caller: Caller, request: run_pb2.GetRunRequest) -> run_pb2.Run:
        _, spec, state = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        return ev.join(spec.body.run, state.body.run)

    async def modify(self, caller: Caller, request: run_pb2.ModifyRunRequest) -> run_pb2.Run:
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        while True:
            partition, spec, row = await lookup.run(
                self._store, caller.project, request.thread_id, request.run_id
            )
            after = RunState()
            after.CopyFrom(row.body)
            updates.write(after.run, request, names)
            put = put_state(row, after, spec.body.run.assistant_id, self._store.now())
            try:
                await commit_new(self._store, partition, [put], self._shared.clock)
            except Conflict:
                continue
            return ev.join(spec.body.run, after.run)

    async def cancel(self, caller: Caller, request: run_pb2.CancelRunRequest) -> run_pb2.Run:
        partition, spec, _ = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        state = await stopping.cancel(
            self._shared, partition, request.run_id, repeated=caller.repeated
        )
        return ev.join(spec.body.run, state)

    async def _read(self, records: Sequence[Record]) -> Sequence[run_pb2.Run]:
        found = []
        for record in records:
            spec = await tables.specs.get(self._store, record.partition, record.id, fresh=True)
            if spec is not None:
                state = tables.runs.parse(record).body.run
                found.append(ev.join(spec.body.run, state))
        return found
