"""Operations on vector stores."""

from __future__ import annotations

import asyncio
from functools import partial

from understudy.v1 import vector_store_pb2 as pb
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, InvalidRequest
from understudy_server.idempotency import identify
from understudy_server.rpc import paging, updates, vector_lookup
from understudy_server.rpc.caller import Caller
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Position
from understudy_server.store.v1.records_pb2 import VectorStoreRecord
from understudy_server.vectors import creation, deletion, finding, view
from understudy_server.vectors.adding import resolved

_BOUND = frozenset({"vector_store_id"})


class VectorStores:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(self, caller: Caller, request: pb.CreateVectorStoreRequest) -> pb.VectorStore:
        _check_creation(request)
        identity = identify(
            self._shared.ids,
            "vs_",
            project=caller.project,
            operation="CreateVectorStore",
            key=caller.idempotency_key,
            request=request,
        )
        found = await creation.created_before(
            self._shared, caller.project, identity.id, identity.fingerprint
        )
        if found is None:
            ids = vector_lookup.distinct(request.file_ids)
            await vector_lookup.new_files(self._shared, caller.project, ids, "file_ids")
            store = _new_store(request, identity.id, self._store.now() // SECOND)
            new = creation.NewStore(
                project=caller.project,
                record=VectorStoreRecord(store=store, fingerprint=identity.fingerprint),
                file_ids=ids,
                strategy=resolved(request.chunking_strategy),
            )
            found = await creation.create(self._shared, new)
        return found.shown(self._store.now())

    async def list(
        self, caller: Caller, request: pb.ListVectorStoresRequest
    ) -> pb.ListVectorStoresResponse:
        async def locate(id: str) -> Position:
            found = await vector_lookup.store(self._shared, caller.project, id)
            return found.record.record.position

        lister = partial(
            self._store.directory, caller.project, tables.vector_stores.kind, tables.ALL
        )
        page = await paging.page(request, lister, locate)
        # The directory may lag behind a deletion, and says nothing of counts.
        found = await asyncio.gather(
            *(finding.find(self._store, caller.project, record.id) for record in page.records)
        )
        now = self._store.now()
        data = [store.shown(now) for store in found if store is not None]
        return pb.ListVectorStoresResponse(
            data=data, has_more=page.has_more, **paging.ends([store.id for store in data])
        )

    async def get(self, caller: Caller, request: pb.GetVectorStoreRequest) -> pb.VectorStore:
        found = await vector_lookup.store(self._shared, caller.project, request.vector_store_id)
        return found.shown(self._store.now())

    async def modify(self, caller: Caller, request: pb.ModifyVectorStoreRequest) -> pb.VectorStore:
        """Touches the store's own record and not its head, so it conflicts with no work on files."""
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        while True:
            found = await vector_lookup.store(self._shared, caller.project, request.vector_store_id)
            after = VectorStoreRecord()
            after.CopyFrom(found.record.body)
            now = self._store.now()
            updates.write(after.store, request, names)
            if found.has_expired(now):
                after.store.status = pb.VECTOR_STORE_STATUS_EXPIRED
            elif "expires_after" in names:
                view.set_expiry(after.store)
            try:
                await self._replace(found, after)
            except Conflict:
                continue
            return view.shown(after, found.head.body, now)

    async def delete(
        self, caller: Caller, request: pb.DeleteVectorStoreRequest
    ) -> pb.DeleteVectorStoreResponse:
        id = request.vector_store_id
        if not await deletion.delete(self._shared, caller.project, id):
            raise vector_lookup.gone(id)
        return pb.DeleteVectorStoreResponse(id=id, deleted=True)

    async def _replace(self, found: finding.Found, after: VectorStoreRecord) -> None:
        row = found.record
        due = row.record.due
        if after.store.status != pb.VECTOR_STORE_STATUS_EXPIRED:
            due = view.due(after.store)
        put = tables.vector_stores.put(
            row.id,
            after,
            expected=row.version,
            order=row.order,
            due=due,
            labels=(tables.ALL,),
        )
        await commit_new(self._store, found.partition, [put], self._shared.clock)


def _check_creation(request: pb.CreateVectorStoreRequest) -> None:
    """What can be refused without looking at the store."""
    vector_lookup.check_strategy(request.chunking_strategy)
    if request.HasField("chunking_strategy") and not request.file_ids:
        raise InvalidRequest(
            "Invalid 'chunking_strategy': it can only be given together with 'file_ids'.",
            reason="INVALID_VALUE",
            param="chunking_strategy",
        )


def _new_store(request: pb.CreateVectorStoreRequest, id: str, seconds: int) -> pb.VectorStore:
    names = ["name", "description", "expires_after", "metadata"]
    store = pb.VectorStore(id=id, created_at=seconds, last_active_at=seconds)
    updates.write(store, request, names)
    view.set_expiry(store)
    return store
