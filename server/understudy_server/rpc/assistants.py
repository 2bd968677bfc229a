"""Operations on assistants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from understudy.v1 import assistant_pb2, tool_pb2
from understudy_server import refused_values as words
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, InvalidRequest, NotFound
from understudy_server.idempotency import identify, same_request
from understudy_server.rpc import lookup, paging, references, updates
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.strict_schemas import check_strict
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Position, Put
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import AssistantRecord, Gone, VectorStoreErrand
from understudy_server.vectors import errands, promises

_BOUND = frozenset({"assistant_id"})

MAX_BYTES = 900_000
"""Of an assistant together with the files of its new vector store: they go into one commit."""


class Assistants:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: assistant_pb2.CreateAssistantRequest
    ) -> assistant_pb2.Assistant:
        check_tools(request.tools)
        identity = identify(
            self._shared.ids,
            "asst_",
            project=caller.project,
            operation="CreateAssistant",
            key=caller.idempotency_key,
            request=request,
        )
        existing = await self._created_before(caller.project, identity.id, identity.fingerprint)
        if existing is not None:
            return existing
        await references.check_resources(self._shared, caller.project, request.tool_resources)
        now = self._store.now()
        created = assistant_pb2.Assistant(id=identity.id, created_at=now // SECOND)
        names = updates.written_fields(request, (), frozenset({"tool_resources"}))
        updates.write(created, request, names)
        if request.HasField("tool_resources"):
            created.tool_resources.CopyFrom(references.stored(request.tool_resources))
        _default_resources(created)
        promised = _promise(created, request.tool_resources, caller.project)
        record = AssistantRecord(assistant=created, fingerprint=identity.fingerprint)
        order = await self._next_order(caller.project, now)
        put = tables.assistants.put(identity.id, record, expected=None, order=order)
        notes = [promises.put(errand, identity.id, now) for errand in promised]
        try:
            await self._commit(caller.project, put, *notes)
        except Conflict:
            existing = await self._created_before(caller.project, identity.id, identity.fingerprint)
            if existing is None:
                raise
            return existing
        place = tables.assistants_of(caller.project)
        await errands.keep(self._shared, place, promised, identity.id)
        return created

    async def _next_order(self, project: str, now: int) -> int:
        """After the newest one, though another core made it whose idea of the store's time is ahead."""
        partition = tables.assistants_of(project)
        newest = await self._store.list(partition, tables.assistants.kind, descending=True, limit=1)
        return max([now, *(record.order + 1 for record in newest)])

    async def list(
        self, caller: Caller, request: assistant_pb2.ListAssistantsRequest
    ) -> assistant_pb2.ListAssistantsResponse:
        partition = tables.assistants_of(caller.project)

        async def locate(id: str) -> Position:
            return (await lookup.assistant(self._store, caller.project, id)).record.position

        lister = partial(self._store.list, partition, tables.assistants.kind)
        page = await paging.page(request, lister, locate)
        data = [tables.assistants.parse(record).body.assistant for record in page.records]
        return assistant_pb2.ListAssistantsResponse(
            data=data, has_more=page.has_more, **paging.ends([a.id for a in data])
        )

    async def get(
        self, caller: Caller, request: assistant_pb2.GetAssistantRequest
    ) -> assistant_pb2.Assistant:
        row = await lookup.assistant(self._store, caller.project, request.assistant_id)
        return row.body.assistant

    async def modify(
        self, caller: Caller, request: assistant_pb2.ModifyAssistantRequest
    ) -> assistant_pb2.Assistant:
        check_tools(request.tools)
        await references.check_resources(self._shared, caller.project, request.tool_resources)
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        if "model" in names and not request.model:
            raise words.missing("model")
        while True:
            row = await lookup.assistant(self._store, caller.project, request.assistant_id)
            updates.write(row.body.assistant, request, names)
            _default_resources(row.body.assistant)
            try:
                await self._commit(caller.project, tables.assistants.replace(row, row.body))
            except Conflict:
                continue
            return row.body.assistant

    async def delete(
        self, caller: Caller, request: assistant_pb2.DeleteAssistantRequest
    ) -> assistant_pb2.DeleteAssistantResponse:
        while True:
            row = await lookup.assistant(self._store, caller.project, request.assistant_id)
            operations: list[Operation] = [*_gone(row), tables.assistants.delete(row)]
            try:
                await self._commit(caller.project, *operations)
            except Conflict:
                continue
            return assistant_pb2.DeleteAssistantResponse(id=row.id, deleted=True)

    async def _created_before(
        self, project: str, id: str, fingerprint: bytes
    ) -> assistant_pb2.Assistant | None:
        """What an earlier request with this idempotency key made."""
        if not fingerprint:
            return None
        partition = tables.assistants_of(project)
        row = await tables.assistants.get(self._store, partition, id, fresh=True)
        if row is not None:
            same_request(row.body.fingerprint, fingerprint)
            return row.body.assistant
        if await tables.gone.get(self._store, partition, id, fresh=True) is not None:
            raise NotFound(f"No assistant found with id '{id}'.")
        return None

    async def _commit(self, project: str, *operations: Operation) -> None:
        partition = tables.assistants_of(project)
        await commit_new(self._store, partition, operations, self._shared.clock)


def check_tools(tools: Sequence[tool_pb2.Tool]) -> None:
    """Raises ``InvalidRequest`` for a function name that stands twice, since calls could not be told apart,
    and for a schema that cannot be strict.
    """
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        if not tool.HasField("function"):
            continue
        if tool.function.name in seen:
            raise InvalidRequest(
                f"Invalid 'tools[{index}].function.name': the function "
                f"'{tool.function.name}' is given more than once.",
                reason="INVALID_VALUE",
                param=f"tools[{index}].function.name",
            )
        seen.add(tool.function.name)
        check_strict(tool.function, f"tools[{index}].function")


def _promise(
    assistant: assistant_pb2.Assistant, given: tool_pb2.NewToolResources, project: str
) -> Sequence[VectorStoreErrand]:
    """Adds the vector store that is to be made on the way; what is to be done for it after the commit."""
    making = references.new_store(given)
    if making is None:
        return ()
    id = promises.store_id(project, assistant.id)
    assistant.tool_resources.file_search.vector_store_ids.append(id)
    errand = promises.for_assistant(id, making, assistant.created_at)
    size = assistant.ByteSize() + errand.ByteSize()
    if size > MAX_BYTES:
        where = "tool_resources.file_search.vector_stores[0].file_ids"
        raise InvalidRequest(
            f"Invalid '{where}': too many files for one request. Make the vector store beforehand.",
            reason="ARRAY_ABOVE_MAX_LENGTH",
            param=where,
        )
    return (errand,)


def _default_resources(assistant: assistant_pb2.Assistant) -> None:
    """The API shows an empty list of files for an assistant that has the tool and no files."""
    if any(tool.HasField("code_interpreter") for tool in assistant.tools):
        assistant.tool_resources.code_interpreter.SetInParent()


def _gone(row: Row[AssistantRecord]) -> list[Put]:
    if not row.body.fingerprint:
        return []
    trace = Gone(fingerprint=row.body.fingerprint)
    return [tables.gone.put(row.id, trace, expected=None, order=row.order)]
