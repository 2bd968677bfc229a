"""Beginning a run, going on with one, and following it: each gives where its events are to be read from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from understudy.v1 import message_pb2, run_pb2, thread_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import StoreError
from understudy_server.idempotency import Identity, identify
from understudy_server.rpc import lookup, references, run_preparation, threads
from understudy_server.rpc.caller import Caller
from understudy_server.runs import events as ev
from understudy_server.runs import starting, submitting
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.live import Live
from understudy_server.runs.tail import Tail
from understudy_server.runs.waiting import wait_settled
from understudy_server.runs.worker import Worker
from understudy_server.store import tables
from understudy_server.store.port import EventId, Partition
from understudy_server.store.v1.records_pb2 import RunSpec, VectorStoreErrand
from understudy_server.threads import attaching, creation
from understudy_server.threads.messages import file_references, new_message
from understudy_server.vectors import errands, expiry

DEFAULT_WAIT = 60
"""Seconds that a blocking call waits when it does not say."""

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
        self._prepare = partial(
            run_preparation.prepare, shared, drop_unavailable_tools=drop_unavailable_tools
        )
        self._threads = threads.Threads(shared)
        self._beginning: set[asyncio.Task[Begun]] = set()

    async def create(self, caller: Caller, request: run_pb2.CreateRunRequest) -> Begun:
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
        named = file_references(request.additional_messages, "additional_messages[{}].")
        await references.check_files(self._shared, caller.project, named)
        resources = thread.body.thread.tool_resources
        new = await self._prepare(
            caller, request, identity, thread_id=request.thread_id, resources=resources
        )
        seconds = self._store.now() // SECOND
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
        new = replace(new, files=attaching.attached(request.additional_messages))
        start = partial(self._start, partition, new, additional)
        return await self._undisturbed(self._within_limits(caller, new, start))

    async def create_thread_and_run(
        self, caller: Caller, request: run_pb2.CreateThreadAndRunRequest
    ) -> Begun:
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
        run_identity = name("run_")
        partition = tables.thread_partition(caller.project, identity.id)
        before = await self._begun_before(partition, run_identity)
        if before is not None:
            await lookup.thread(self._store, caller.project, identity.id)
            return before
        await references.check_resources(self._shared, caller.project, request.tool_resources)
        new_thread = await self._threads.prepare(caller, thread, identity, "thread.")
        resources = new_thread.record.thread.tool_resources
        new_run = await self._prepare(
            caller, request, run_identity, thread_id=identity.id, resources=resources
        )
        start = partial(self._start_with_thread, new_thread, new_run)
        return await self._undisturbed(self._within_limits(caller, new_run, start))

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

    async def _begun_before(self, partition: Partition, identity: Identity) -> Begun | None:
        """What an earlier request with this idempotency key began, before anything else is judged."""
        if not identity.fingerprint:
            return None
        started = await starting.started_before(
            self._store, partition, identity.id, identity.fingerprint
        )
        return None if started is None else self._begun(partition, started)

    async def _within_limits(
        self, caller: Caller, new: starting.NewRun, start: Callable[[], Awaitable[Begun]]
    ) -> Begun:
        """Raises ``RequestLimit`` and ``TokenLimit`` as well."""
        run = new.spec.run
        async with self._shared.slots.slot(
            caller.budget,
            caller.limits,
            project=caller.project,
            thread_id=run.thread_id,
            run_id=run.id,
        ):
            return await start()

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
        await self._follow_up(partition, new, started.errands)
        return self._begun(partition, started)

    async def _start_with_thread(self, thread: creation.NewThread, new: starting.NewRun) -> Begun:
        with self._worker.slot() as slot:
            run = replace(new, core=slot.core)
            started = (await creation.create(self._shared, thread.with_run(run))).started
            assert started is not None
            if started.claim is not None:
                slot.begin(started.claim)
        await self._follow_up(thread.partition, new, ())
        await self._threads.keep_errands(thread)
        return self._begun(thread.partition, started)

    async def _follow_up(
        self, partition: Partition, new: starting.NewRun, promised: Sequence[VectorStoreErrand]
    ) -> None:
        """What the run's files and vector stores ask for after its commit; the run goes on in any case."""
        await errands.keep(self._shared, partition, promised, new.spec.run.id)
        for store in new.stores:
            with suppress(StoreError):
                await expiry.touch(self._shared, store)

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
