"""Operations on batches of vector-store files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from understudy.v1 import tool_pb2
from understudy.v1 import vector_store_file_pb2 as pb
from understudy_server import refused_values as words
from understudy_server.clock import SECOND
from understudy_server.errors import InvalidRequest
from understudy_server.idempotency import identify
from understudy_server.rpc import paging, vector_lookup
from understudy_server.rpc.caller import Caller
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Position
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileBatchRecord
from understudy_server.vectors import batch_files, batches, cancelling, view
from understudy_server.vectors.adding import resolved
from understudy_server.vectors.amend import StoreGone
from understudy_server.vectors.finding import Found


class VectorStoreBatches:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: pb.CreateVectorStoreFileBatchRequest
    ) -> pb.VectorStoreFileBatch:
        given = _given(request)
        store_id = request.vector_store_id
        found = await vector_lookup.active_store(self._shared, caller.project, store_id)
        identity = identify(
            self._shared.ids,
            "vsfb_",
            project=caller.project,
            operation=f"CreateVectorStoreFileBatch/{store_id}",
            key=caller.idempotency_key,
            request=request,
        )
        try:
            batch = await batches.created_before(
                self._shared, found.partition, identity.id, identity.fingerprint
            )
            if batch is None:
                ids = [entry.file_id for entry in given]
                param = "file_ids" if request.file_ids else "files"
                await vector_lookup.new_files(self._shared, caller.project, ids, param)
                new = batches.NewBatch(
                    partition=found.partition,
                    id=identity.id,
                    fingerprint=identity.fingerprint,
                    created_at=self._store.now() // SECOND,
                    entries=given,
                )
                batch = await batches.create(self._shared, new)
        except StoreGone:
            raise vector_lookup.gone(store_id) from None
        return view.shown_batch(batch)

    async def _find(
        self, caller: Caller, store_id: str, batch_id: str
    ) -> tuple[Found, Row[VectorStoreFileBatchRecord]]:
        """Raises ``NotFound``, and ``StateConflict`` for a store that has expired."""
        found = await vector_lookup.active_store(self._shared, caller.project, store_id)
        return found, await vector_lookup.batch(self._shared, found, batch_id)

    async def get(
        self, caller: Caller, request: pb.GetVectorStoreFileBatchRequest
    ) -> pb.VectorStoreFileBatch:
        _, row = await self._find(caller, request.vector_store_id, request.batch_id)
        return view.shown_batch(row.body.batch)

    async def cancel(
        self, caller: Caller, request: pb.CancelVectorStoreFileBatchRequest
    ) -> pb.VectorStoreFileBatch:
        found, row = await self._find(caller, request.vector_store_id, request.batch_id)
        try:
            batch = await cancelling.cancel(self._shared, found.partition, row.id)
        except StoreGone:
            raise vector_lookup.gone(found.record.id) from None
        return view.shown_batch(batch)

    async def list_files(
        self, caller: Caller, request: pb.ListFilesInVectorStoreBatchRequest
    ) -> pb.ListVectorStoreFilesResponse:
        found, row = await self._find(caller, request.vector_store_id, request.batch_id)
        kind = tables.vector_files_of(row.id)

        async def locate(id: str) -> Position:
            pointer = await self._store.get(found.partition, kind, id, fresh=True)
            if pointer is None:
                raise vector_lookup.missing_file(found, id)
            return pointer.position

        status = request.filter or None
        lister = partial(batch_files.list_files, self._store, found.partition, row.id, status)
        page = await paging.page(request, lister, locate)
        data = [tables.vector_files.parse(record).body.file for record in page.records]
        return pb.ListVectorStoreFilesResponse(
            data=data, has_more=page.has_more, **paging.ends([file.id for file in data])
        )


def _given(request: pb.CreateVectorStoreFileBatchRequest) -> Sequence[pb.NewVectorStoreFile]:
    """The files to add, each once, with the strategy and the attributes that they get.

    Raises ``InvalidRequest``.
    """
    vector_lookup.check_strategy(request.chunking_strategy)
    vector_lookup.check_attributes(request.attributes)
    if request.file_ids and request.files:
        raise InvalidRequest(
            "Invalid 'files': it cannot be given together with 'file_ids'.",
            reason="INVALID_VALUE",
            param="files",
        )
    if not request.file_ids and not request.files:
        raise words.missing("file_ids")
    if request.file_ids:
        return [
            _complete(pb.NewVectorStoreFile(file_id=id), request)
            for id in vector_lookup.distinct(request.file_ids)
        ]
    seen: set[str] = set()
    for index, file in enumerate(request.files):
        path = f"files[{index}]"
        vector_lookup.check_strategy(file.chunking_strategy, f"{path}.chunking_strategy")
        vector_lookup.check_attributes(file.attributes, f"{path}.attributes")
        if file.file_id in seen:
            raise InvalidRequest(
                f"Invalid '{path}.file_id': the file '{file.file_id}' is given more than once.",
                reason="INVALID_VALUE",
                param=f"{path}.file_id",
            )
        seen.add(file.file_id)
    return [_complete(file, request) for file in request.files]


def _complete(
    file: pb.NewVectorStoreFile, request: pb.CreateVectorStoreFileBatchRequest
) -> pb.NewVectorStoreFile:
    """With the batch's own strategy and attributes where the file has none."""
    strategy: tool_pb2.ChunkingStrategy = request.chunking_strategy
    if file.HasField("chunking_strategy"):
        strategy = file.chunking_strategy
    attributes = file.attributes or request.attributes
    return pb.NewVectorStoreFile(
        file_id=file.file_id, chunking_strategy=resolved(strategy), attributes=attributes
    )
