"""Operations on runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import structlog

from understudy.v1 import message_pb2, run_pb2, thread_pb2, tool_pb2
from understudy_server.errors import Conflict, InvalidRequest
from understudy_server.idempotency import Identity, identify
from understudy_server.rpc import lookup, paging, references, threads, updates
from understudy_server.rpc.assistants import check_tools
from understudy_server.rpc.caller import Caller
from understudy_server.runs import events as ev
from understudy_server.runs import head as heads
from understudy_server.runs import spec as specs
from understudy_server.runs import starting, stopping, submitting
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import put_state
from understudy_server.runs.live import Live
from understudy_server.runs.tail import Tail
from understudy_server.runs.waiting import wait_settled
from understudy_server.runs.worker import Worker
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import EventId, Partition, Position, Record
from understudy_server.store.v1.records_pb2 import RunSpec, RunState
from understudy_server.threads import creation
from understudy_server.threads.messages import file_references, new_message

_BOUND = frozenset({"thread_id", "run_id"})
DEFAULT_WAIT = 60
"""Seconds that a blocking call waits when it does not say."""

MAX_SPEC_BYTES = 800_000
"""Of what a run is created with; it goes into one commit with the rest."""

Waitable: TypeAlias = (
    run_pb2.CreateRunRequest | run_pb2.CreateThreadAndRunRequest | run_pb2.SubmitToolOutputsRequest
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that goes on, and from where its events are to be read."""

    partition: Partition
    spec: RunSpec
    state: run_pb2.Run
    after: EventId
    joining: bool = False
    """Whether its reader comes to it from outside, rather than by having started it."""


class Runs:
    def __init__(
        self, shared: Collaborators, worker: Worker, live: Live, *, drop_unavailable_tools: bool
    ) -> None:
        self._shared = shared
        self._store = shared.store
        self._worker = worker
        self._live = live
        self._drop_unavailable_tools = drop_unavailable_tools
        self._beginning: set[asyncio.Task[Begun]] = set()

    async def create(self, caller: Caller, request: run_pb2.CreateRunRequest) -> Begun:
        references.check_files(
            file_references(request.additional_messages, "additional_messages[{}].")
        )
        partition, thread = await lookup.thread(self._store, caller.project, request.thread_id)
        identity = identify(
            self._shared.ids,
            "run_",
            project=caller.project,
            operation=f"CreateRun/{request.thread_id}",
            key=caller.idempotency_key,
            request=request,
        )
        before = await self._begun_before(partition, identity)
        if before is not None:
            return before
        resources = thread.body.thread.tool_resources
        new = await self._prepare(caller, request, identity, request.thread_id, resources)
        seconds = self._store.now() // heads.SECOND
        additional = [
            new_message(
                given,
                id=self._shared.ids.new("msg_"),
                thread_id=request.thread_id,
                now=seconds,
            )
            for given in request.additional_messages
        ]
        creation.fit_together(additional, "additional_messages", beside=new.spec.ByteSize())
        return await self._undisturbed(self._start(partition, new, additional))

    async def create_thread_and_run(
        self, caller: Caller, request: run_pb2.CreateThreadAndRunRequest
    ) -> Begun:
        threads.check(request.thread, "thread.")
        references.check_resources(request.tool_resources)
        operation, key = "CreateThreadAndRun", caller.idempotency_key
        name = partial(
            identify,
            self._shared.ids,
            project=caller.project,
            operation=operation,
            key=key,
            request=request,
        )
        thread = thread_pb2.CreateThreadRequest()
        thread.CopyFrom(request.thread)
        references.fill_in(thread.tool_resources, request.tool_resources)
        identity = name("thread_")
        rooms = threads.Threads(self._shared)
        new_thread = rooms.prepare(caller, thread, identity)
        resources = new_thread.record.thread.tool_resources
        run_identity = name("run_")
        before = await self._begun_before(new_thread.partition, run_identity)
        if before is not None:
            await lookup.thread(self._store, caller.project, identity.id)
            return before
        new_run = await self._prepare(caller, request, run_identity, identity.id, resources)
        return await self._undisturbed(self._start_with_thread(new_thread, new_run))

    async def submit(self, caller: Caller, request: run_pb2.SubmitToolOutputsRequest) -> Begun:
        partition, spec, _ = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        return await self._undisturbed(self._submit(partition, spec.body, request.tool_outputs))

    async def answer(self, begun: Begun, request: Waitable) -> run_pb2.Run:
        """The run as it stands, or with ``wait`` as it stands when it has ended or needs action."""
        state = begun.state
        if request.wait:
            state = await wait_settled(
                self._shared,
                begun.partition,
                begun.spec.run.id,
                seconds=request.wait_timeout or DEFAULT_WAIT,
            )
        return ev.join(begun.spec.run, state)

    def tail(self, begun: Begun) -> Tail:
        return Tail(
            store=self._store,
            clock=self._shared.clock,
            live=self._live,
            partition=begun.partition,
            spec=begun.spec,
            after=begun.after,
            joining=begun.joining,
        )

    async def resume(self, caller: Caller, request: run_pb2.StreamRunEventsRequest) -> Begun:
        after = ev.parse_event_id(request.after)
        partition, spec, state = await lookup.run(
            self._store, caller.project, request.thread_id, request.run_id
        )
        return Begun(
            partition=partition,
            spec=spec.body,
            state=state.body.run,
            after=after,
            joining=True,
        )

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
        state = await stopping.cancel(self._shared, partition, request.run_id)
        return ev.join(spec.body.run, state)

    async def _prepare(
        self,
        caller: Caller,
        request: specs.CreateRequest,
        identity: Identity,
        thread_id: str,
        resources: tool_pb2.ToolResources,
    ) -> starting.NewRun:
        check_tools(request.tools.tools)
        found = await lookup.assistant(self._store, caller.project, request.assistant_id)
        run = specs.effective(
            request,
            found.body.assistant,
            resources,
            run_id=identity.id,
            thread_id=thread_id,
        )
        if run.ByteSize() > MAX_SPEC_BYTES:
            raise InvalidRequest(
                f"The run's instructions and tools are too large: {run.ByteSize()} bytes together, "
                f"of at most {MAX_SPEC_BYTES}.",
                reason="STRING_ABOVE_MAX_LENGTH",
                param="instructions",
            )
        dropped = specs.check(run, drop_unavailable=self._drop_unavailable_tools)
        if dropped:
            structlog.get_logger().warning("tools_dropped", run_id=run.id, tools=dropped)
        resolved = self._shared.models.resolve(run.model)
        served = f"{resolved.provider}/{resolved.model}"
        if resolved.alias_of is not None:
            structlog.get_logger().info(
                "model_replaced", run_id=run.id, requested=run.model, served=served
            )
        include = request.include if isinstance(request, run_pb2.CreateRunRequest) else ()
        return starting.NewRun(
            spec=RunSpec(run=run, fingerprint=identity.fingerprint, include=include),
            metadata=dict(request.metadata),
            requested_model=run.model,
            served_model=served,
        )

    async def _begun_before(self, partition: Partition, identity: Identity) -> Begun | None:
        """What an earlier request with this idempotency key began, before anything else is judged."""
        if not identity.fingerprint:
            return None
        started = await starting.started_before(
            self._store, partition, identity.id, identity.fingerprint
        )
        return None if started is None else self._begun(partition, started)

    async def _start(
        self,
        partition: Partition,
        new: starting.NewRun,
        additional: Sequence[message_pb2.Message],
    ) -> Begun:
        with self._worker.slot() as slot:
            run = replace(new, core=slot.core)
            started = await starting.start(self._shared, partition, run, additional)
            if started.claim is not None:
                slot.begin(started.claim)
        return self._begun(partition, started)

    async def _start_with_thread(self, thread: creation.NewThread, new: starting.NewRun) -> Begun:
        with self._worker.slot() as slot:
            run = replace(new, core=slot.core)
            started = (await creation.create(self._shared, thread.with_run(run))).started
            assert started is not None
            if started.claim is not None:
                slot.begin(started.claim)
        return self._begun(thread.partition, started)

    async def _submit(
        self, partition: Partition, spec: RunSpec, outputs: Sequence[run_pb2.ToolOutput]
    ) -> Begun:
        with self._worker.slot() as slot:
            submitted = await submitting.submit(self._shared, partition, spec, outputs, slot.core)
            if submitted.claim is not None:
                slot.begin(submitted.claim)
        return Begun(partition=partition, spec=spec, state=submitted.state, after=submitted.after)

    async def _undisturbed(self, work: Coroutine[None, None, Begun]) -> Begun:
        """A caller that goes away must not leave a run that this core holds and nobody works on."""
        task = asyncio.create_task(work)
        self._beginning.add(task)
        task.add_done_callback(self._began)
        return await asyncio.shield(task)

    def _began(self, task: asyncio.Task[Begun]) -> None:
        self._beginning.discard(task)
        if not task.cancelled():
            # Looked at, since its caller may have gone: nobody else would.
            task.exception()

    def _begun(self, partition: Partition, started: starting.Started) -> Begun:
        return Begun(
            partition=partition,
            spec=started.spec,
            state=started.state.run,
            after=started.first,
        )

    async def _read(self, records: Sequence[Record]) -> Sequence[run_pb2.Run]:
        found = []
        for record in records:
            spec = await tables.specs.get(self._store, record.partition, record.id, fresh=True)
            if spec is not None:
                state = tables.runs.parse(record).body.run
                found.append(ev.join(spec.body.run, state))
        return found
