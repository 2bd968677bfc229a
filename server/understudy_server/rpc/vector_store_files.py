"""Operations on the files of vector stores."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from understudy.v1 import vector_store_file_pb2 as pb
from understudy_server import refused_values as words
from understudy_server.errors import StateConflict
from understudy_server.idempotency import identify
from understudy_server.rpc import paging, updates, vector_lookup
from understudy_server.rpc.caller import Caller
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.port import Partition, Position, Record
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord
from understudy_server.vectors import membership, segments
from understudy_server.vectors.adding import Entry, resolved
from understudy_server.vectors.amend import Changed, StoreGone, amend_file
from understudy_server.vectors.counting import word

_BOUND = frozenset({"vector_store_id", "file_id"})


class VectorStoreFiles:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: pb.CreateVectorStoreFileRequest
    ) -> pb.VectorStoreFile:
        vector_lookup.check_strategy(request.chunking_strategy)
        vector_lookup.check_attributes(request.attributes)
        project, store_id, file_id = caller.project, request.vector_store_id, request.file_id
        found = await vector_lookup.active_store(self._shared, project, store_id)
        identity = identify(
            self._shared.ids,
            "vsf_",
            project=project,
            operation=f"CreateVectorStoreFile/{store_id}",
            key=caller.idempotency_key,
            request=request,
        )
        key = identity.id, identity.fingerprint
        before = await membership.added_before(self._shared, found.partition, file_id, key)
        if before is not None:
            return before.file
        files = await vector_lookup.new_files(self._shared, project, [file_id], "file_id")
        entry = Entry(
            file_id=file_id,
            filename=files[file_id].body.file.filename,
            strategy=resolved(request.chunking_strategy),
            attributes=request.attributes,
        )
        try:
            record = await membership.add_file(self._shared, project, store_id, entry, key=key)
        except StoreGone:
            raise vector_lookup.gone(store_id) from None
        return record.file

    async def list(
        self, caller: Caller, request: pb.ListVectorStoreFilesRequest
    ) -> pb.ListVectorStoreFilesResponse:
        found = await vector_lookup.active_store(
            self._shared, caller.project, request.vector_store_id
        )
        partition = found.partition

        async def locate(id: str) -> Position:
            return (await vector_lookup.file(self._shared, found, id)).record.position

        if not request.filter:
            lister = partial(self._store.list, partition, tables.vector_files.kind)
            page = await paging.page(request, lister, locate)
            data = [tables.vector_files.parse(record).body.file for record in page.records]
        else:
            kind = tables.vector_files_in(word(request.filter))
            page = await paging.page(request, partial(self._store.list, partition, kind), locate)
            rows = await self._read(partition, page.records)
            # Some may have gone on since their pointers were read.
            data = [row.body.file for row in rows if row.body.file.status == request.filter]
        return pb.ListVectorStoreFilesResponse(
            data=data, has_more=page.has_more, **paging.ends([file.id for file in data])
        )

    async def get(
        self, caller: Caller, request: pb.GetVectorStoreFileRequest
    ) -> pb.VectorStoreFile:
        found = await vector_lookup.active_store(
            self._shared, caller.project, request.vector_store_id
        )
        return (await vector_lookup.file(self._shared, found, request.file_id)).body.file

    async def modify(
        self, caller: Caller, request: pb.ModifyVectorStoreFileRequest
    ) -> pb.VectorStoreFile:
        names = updates.written_fields(request, request.update_mask.paths, _BOUND)
        if "attributes" not in names:
            raise words.missing("attributes")
        vector_lookup.check_attributes(request.attributes)
        found = await vector_lookup.active_store(
            self._shared, caller.project, request.vector_store_id
        )

        def decide(_: object, row: Row[VectorStoreFileRecord] | None) -> Changed | None:
            if row is None:
                raise vector_lookup.missing_file(found, request.file_id)
            after = VectorStoreFileRecord()
            after.CopyFrom(row.body)
            updates.write(after.file, request, names)
            return None if after == row.body else Changed(record=after, due=row.record.due)

        try:
            record = await amend_file(
                self._store, self._shared.clock, found.partition, request.file_id, decide
            )
        except StoreGone:
            raise vector_lookup.gone(found.record.id) from None
        assert record is not None
        return record.file

    async def delete(
        self, caller: Caller, request: pb.DeleteVectorStoreFileRequest
    ) -> pb.DeleteVectorStoreFileResponse:
        store_id, file_id = request.vector_store_id, request.file_id
        found = await vector_lookup.active_store(self._shared, caller.project, store_id)
        if not await membership.remove_file(self._shared, caller.project, store_id, file_id):
            raise vector_lookup.missing_file(found, file_id)
        return pb.DeleteVectorStoreFileResponse(id=file_id, deleted=True)

    async def content(
        self, caller: Caller, request: pb.GetVectorStoreFileContentRequest
    ) -> pb.VectorStoreFileContent:
        found = await vector_lookup.active_store(
            self._shared, caller.project, request.vector_store_id
        )
        row = await vector_lookup.file(self._shared, found, request.file_id)
        if not row.body.HasField("segment"):
            raise StateConflict(
                f"File '{request.file_id}' in vector store '{found.record.id}' has no content: "
                f"its status is '{word(row.body.file.status)}'."
            )
        text = await segments.text(self._shared.blobs, row.body.segment)
        part = pb.VectorStoreText(type=pb.VECTOR_STORE_TEXT_TYPE_TEXT, text=text)
        return pb.VectorStoreFileContent(data=[part])

    async def _read(
        self, partition: Partition, pointers: Sequence[Record]
    ) -> Sequence[Row[VectorStoreFileRecord]]:
        rows = await asyncio.gather(
            *(
                tables.vector_files.get(self._store, partition, pointer.id, fresh=True)
                for pointer in pointers
            )
        )
        return [row for row in rows if row is not None]
