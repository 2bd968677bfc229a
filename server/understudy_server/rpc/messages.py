"""Operations on messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from understudy.v1 import message_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, DomainError, NotFound, StateConflict
from understudy_server.idempotency import Identity, identify, same_request
from understudy_server.rpc import lookup, paging, references, updates
from understudy_server.rpc.caller import Caller
from understudy_server.runs import head as heads
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Partition, Position, Record
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Gone, Head, MessageRecord
from understudy_server.threads import attaching, creation
from understudy_server.threads.amend import Done, Plan, amend
from understudy_server.threads.messages import file_references, new_message
from understudy_server.vectors import errands

_BOUND = frozenset({"thread_id", "message_id"})


class Messages:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: message_pb2.CreateMessageRequest
    ) -> message_pb2.Message:
        thread_id = request.thread_id
        partition = tables.thread_partition(caller.project, thread_id)
        identity = identify(
            self._shared.ids,
            "msg_",
            project=caller.project,
            operation=f"CreateMessage/{thread_id}",
            key=caller.idempotency_key,
            request=request,
        )
        try:
            named = file_references([request], "")
            await references.check_files(self._shared, caller.project, named)
        except DomainError:
            if not await self._was_made_before(partition, identity):
                raise
        files = attaching.attached([request])
        attached = attaching.Attaching()

        async def decide(
            head: Row[Head] | None,
        ) -> Plan[message_pb2.Message] | Done[message_pb2.Message]:
            nonlocal attached
            if head is None or not heads.exists(head.body):
                raise lookup.missing(lookup.THREAD, thread_id)
            existing = await tables.messages.get(self._store, partition, identity.id, fresh=True)
            if existing is not None:
                same_request(existing.body.fingerprint, identity.fingerprint)
                return Done(existing.body.message)
            if await tables.gone.get(self._store, partition, identity.id, fresh=True):
                raise NotFound(f"No message found with id '{identity.id}'.")
            if head.body.active_run:
                active = head.body.active_run
                raise StateConflict(
                    f"Can't add messages to {thread_id} while a run {active} is active."
                )
            now = self._store.now()
            message = new_message(request, id=identity.id, thread_id=thread_id, now=now // SECOND)
            creation.fits(message, "content")
            order = heads.next_order(head.body, now)
            extended = heads.extended(head.body, head.record.due, order)
            record = MessageRecord(message=message, fingerprint=identity.fingerprint)
            put = tables.messages.put(identity.id, record, expected=None, order=order)
            attached = await attaching.to_thread(self._store, partition, files, owner=identity.id)
            return Plan([extended.put(head.version), put, *attached.operations], message)

        message = await amend(self._store, self._shared.clock, partition, decide)
        await errands.keep(self._shared, partition, attached.errands, identity.id)
        return message

    async def _was_made_before(self, partition: Partition, identity: Identity) -> bool:
        """Then it is answered as before, whatever has become of its files."""
        if not identity.fingerprint:
            return False
        for table in (tables.messages, tables.gone):
            if await self._store.get(partition, table.kind, identity.id, fresh=True):
                return True
        return False

    async def list(
        self, caller: Caller, request: message_pb2.ListMessagesRequest
    ) -> message_pb2.ListMessagesResponse:
        partition, _ = await lookup.thread(self._store, caller.project, request.thread_id)
        kind = tables.messages.kind
        if request.run_id:
            await lookup.run(self._store, caller.project, request.thread_id, request.run_id)
            kind = tables.messages_of(request.run_id)

        async def locate(id: str) -> Position:
            return (await self._row(partition, id)).record.position

        page = await paging.page(request, partial(self._store.list, partition, kind), locate)
        data = await self._read(partition, page.records, pointers=bool(request.run_id))
        return message_pb2.ListMessagesResponse(
            data=data, has_more=page.has_more, **paging.ends([m.id for m in data])
        )

    async def get(
        self, caller: Caller, request: message_pb2.GetMessageRequest
    ) -> message_pb2.Message:
        partition, _ = await lookup.thread(self._store, caller.project, request.thread_id)
        return (await self._row(partition, request.message_id)).body.message

    async def modify(
        self, caller: Caller, request: message_pb2.ModifyMessageRequest
    ) -> message_pb2.Message:
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        while True:
            partition, _ = await lookup.thread(self._store, caller.project, request.thread_id)
            row = await self._row(partition, request.message_id)
            updates.write(row.body.message, request, names)
            try:
                await self._commit(partition, tables.messages.replace(row, row.body))
            except Conflict:
                continue
            return row.body.message

    async def delete(
        self, caller: Caller, request: message_pb2.DeleteMessageRequest
    ) -> message_pb2.DeleteMessageResponse:
        while True:
            partition, _ = await lookup.thread(self._store, caller.project, request.thread_id)
            row = await self._row(partition, request.message_id)
            try:
                await self._commit(partition, *await self._removal(partition, row))
            except Conflict:
                continue
            return message_pb2.DeleteMessageResponse(id=row.id, deleted=True)

    async def _removal(self, partition: Partition, row: Row[MessageRecord]) -> Sequence[Operation]:
        operations: list[Operation] = [tables.messages.delete(row)]
        if row.body.fingerprint:
            trace = Gone(fingerprint=row.body.fingerprint)
            operations.append(tables.gone.put(row.id, trace, expected=None, order=row.order))
        if row.body.message.run_id:
            kind = tables.messages_of(row.body.message.run_id)
            pointer = await self._store.get(partition, kind, row.id, fresh=True)
            if pointer is not None:
                operations.append(tables.remove(pointer))
        return operations

    async def _row(self, partition: Partition, id: str) -> Row[MessageRecord]:
        row = await tables.messages.get(self._store, partition, id, fresh=True)
        if row is None:
            raise lookup.missing(lookup.MESSAGE, id)
        return row

    async def _read(
        self, partition: Partition, records: Sequence[Record], *, pointers: bool
    ) -> Sequence[message_pb2.Message]:
        if not pointers:
            return [tables.messages.parse(record).body.message for record in records]
        rows = [
            await tables.messages.get(self._store, partition, record.id, fresh=True)
            for record in records
        ]
        return [row.body.message for row in rows if row is not None]

    async def _commit(self, partition: Partition, *operations: Operation) -> None:
        await commit_new(self._store, partition, operations, self._shared.clock)
