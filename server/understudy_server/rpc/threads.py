"""Operations on threads."""

from __future__ import annotations

from functools import partial

from understudy.v1 import thread_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, DomainError
from understudy_server.idempotency import Identity, identify
from understudy_server.rpc import lookup, paging, references, updates
from understudy_server.rpc.caller import Caller
from understudy_server.runs import head as heads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Partition, Position
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Head, ThreadRecord
from understudy_server.threads import attaching, creation
from understudy_server.threads.amend import Done, Plan, amend
from understudy_server.threads.messages import file_references, new_message
from understudy_server.vectors import errands, promises

_BOUND = frozenset({"thread_id"})


class Threads:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: thread_pb2.CreateThreadRequest
    ) -> thread_pb2.Thread:
        identity = identify(
            self._shared.ids,
            "thread_",
            project=caller.project,
            operation="CreateThread",
            key=caller.idempotency_key,
            request=request,
        )
        new = await self.prepare(caller, request, identity)
        created = await creation.create(self._shared, new)
        await self.keep_errands(new)
        return created.record.thread

    async def prepare(
        self,
        caller: Caller,
        request: thread_pb2.CreateThreadRequest,
        identity: Identity,
        path: str = "",
    ) -> creation.NewThread:
        """A thread to create, with all its ids. ``path`` leads to it in the request.

        Raises what makes it impossible, unless an earlier request with this key has made it.
        """
        try:
            await self._check(caller, request, path)
        except DomainError:
            if not await self._was_made_before(caller.project, identity):
                raise
        seconds = self._store.now() // SECOND
        created = thread_pb2.Thread(id=identity.id, created_at=seconds, metadata=request.metadata)
        if request.HasField("tool_resources"):
            created.tool_resources.CopyFrom(references.stored(request.tool_resources))
        promised = attaching.to_new_thread(
            created.tool_resources,
            attaching.attached(request.messages),
            new_id=promises.store_id(caller.project, identity.id),
            making=references.new_store(request.tool_resources),
            seconds=seconds,
        )
        messages = [
            new_message(given, id=self._shared.ids.new("msg_"), thread_id=identity.id, now=seconds)
            for given in request.messages
        ]
        for index, message in enumerate(messages):
            creation.fits(message, f"messages[{index}].content")
        return creation.NewThread(
            partition=tables.thread_partition(caller.project, identity.id),
            record=ThreadRecord(thread=created, fingerprint=identity.fingerprint),
            messages=messages,
            errands=promised,
        )

    async def keep_errands(self, new: creation.NewThread) -> None:
        """What a thread was promised is done after its commit; never fails, since others do it otherwise."""
        await errands.keep(self._shared, new.partition, new.errands, new.record.thread.id)

    async def _check(
        self, caller: Caller, request: thread_pb2.CreateThreadRequest, path: str
    ) -> None:
        await references.check_resources(
            self._shared,
            caller.project,
            request.tool_resources,
            f"{path}tool_resources",
            file_references(request.messages, f"{path}messages[{{}}]."),
        )

    async def _was_made_before(self, project: str, identity: Identity) -> bool:
        if not identity.fingerprint:
            return False
        partition = tables.thread_partition(project, identity.id)
        head = await tables.heads.get(self._store, partition, tables.HEAD_ID, fresh=True)
        return head is not None and not head.body.staged

    async def list(
        self, caller: Caller, request: thread_pb2.ListThreadsRequest
    ) -> thread_pb2.ListThreadsResponse:
        async def locate(id: str) -> Position:
            _, row = await lookup.thread(self._store, caller.project, id)
            return row.record.position

        lister = partial(self._store.directory, caller.project, tables.threads.kind, tables.ALL)
        page = await paging.page(request, lister, locate)
        data = [tables.threads.parse(record).body.thread for record in page.records]
        return thread_pb2.ListThreadsResponse(
            data=data, has_more=page.has_more, **paging.ends([t.id for t in data])
        )

    async def get(self, caller: Caller, request: thread_pb2.GetThreadRequest) -> thread_pb2.Thread:
        _, row = await lookup.thread(self._store, caller.project, request.thread_id)
        return row.body.thread

    async def modify(
        self, caller: Caller, request: thread_pb2.ModifyThreadRequest
    ) -> thread_pb2.Thread:
        """Touches the thread's own record and not its head, so it conflicts with no run."""
        await references.check_resources(self._shared, caller.project, request.tool_resources)
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        while True:
            partition, row = await lookup.thread(self._store, caller.project, request.thread_id)
            updates.write(row.body.thread, request, names)
            try:
                await self._replace(partition, row)
            except Conflict:
                continue
            return row.body.thread

    async def delete(
        self, caller: Caller, request: thread_pb2.DeleteThreadRequest
    ) -> thread_pb2.DeleteThreadResponse:
        partition = tables.thread_partition(caller.project, request.thread_id)
        answer = thread_pb2.DeleteThreadResponse(id=request.thread_id, deleted=True)

        tried = False

        async def decide(
            head: Row[Head] | None,
        ) -> Plan[thread_pb2.DeleteThreadResponse] | Done[thread_pb2.DeleteThreadResponse]:
            nonlocal tried
            if tried and head is not None and head.body.tombstone:
                # By ourselves, perhaps: the answer was lost, and the purge has begun meanwhile.
                return Done(answer)
            tried = True
            if head is None or not heads.exists(head.body):
                raise lookup.missing(lookup.THREAD, request.thread_id)
            row = await tables.threads.get(self._store, partition, request.thread_id, fresh=True)
            if row is None:
                # Deleted between the two reads.
                raise lookup.missing(lookup.THREAD, request.thread_id)
            buried = heads.tombstone(head.body, now=self._store.now())
            # The record goes in the same commit, so that no listing shows a deleted thread.
            return Plan([buried.put(head.version), tables.threads.delete(row)], answer)

        return await amend(self._store, self._shared.clock, partition, decide)

    async def _replace(self, partition: Partition, row: Row[ThreadRecord]) -> None:
        put = tables.threads.replace(row, row.body, labels=(tables.ALL,))
        await commit_new(self._store, partition, [put], self._shared.clock)
