"""Operations on files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import structlog

from understudy.v1 import file_pb2, pagination_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, StateConflict
from understudy_server.files import creation, loose, reading
from understudy_server.files.listing import page
from understudy_server.files.names import check_filename
from understudy_server.files.purposes import KEPT_IN, lifetime, purpose_of, word
from understudy_server.files.removal import Removal
from understudy_server.idempotency import chosen_id, fingerprint
from understudy_server.rpc import paging
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.form import Form
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Check, Operation, Partition
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import FileRecord, FileRemoval

LONGEST_REMOVAL = 10.0
"""Seconds that a DELETE waits for the traces of its file to go; then the workers finish."""

_PAGE = 10_000


class Files:
    def __init__(
        self, shared: Collaborators, removal: Removal, *, limit: int, downloads: bool
    ) -> None:
        """``limit``: bytes of one file; ``downloads``: whether every file is given back."""
        self._shared = shared
        self._store = shared.store
        self._removal = removal
        self._limit = limit
        self._downloads = downloads

    async def create(
        self, caller: Caller, parts: AsyncIterator[file_pb2.CreateFileRequest]
    ) -> file_pb2.File:
        form: Form[file_pb2.NewFile] = Form(
            parts,
            limit=self._limit,
            too_large=f"The file is too large: this server takes at most {self._limit} bytes in one"
            " request. A larger file can be sent in parts, as an upload.",
            hashed=caller.idempotency_key is not None,
        )
        await form.begin()
        if form.found is not None:
            check_filename(form.found.filename)
        partition = tables.files_of(caller.project)
        key = caller.idempotency_key
        id = chosen_id(
            self._shared.ids, "file-", project=caller.project, operation="CreateFile", key=key
        )
        if key is not None and await creation.is_known(self._store, partition, id):
            await form.skip()
            return await self._created_before(partition, id, key, form)
        try:
            async with (
                aclosing(form.content()) as content,
                loose.written(self._shared, partition, content) as blob,
            ):
                return await self._make(partition, id, key, form, blob)
        except Conflict:
            if key is None:
                raise
            return await self._created_before(partition, id, key, form)

    async def list(
        self, caller: Caller, request: file_pb2.ListFilesRequest
    ) -> file_pb2.ListFilesResponse:
        partition = tables.files_of(caller.project)
        after = None
        if request.after:
            row = await tables.files.get(self._store, partition, request.after, fresh=True)
            if row is None:
                raise creation.no_such_file(request.after)
            after = row.record.position
        table = tables.files
        if request.HasField("purpose"):
            table = tables.files_for(word(request.purpose))
        ascending = request.order == pagination_pb2.SORT_ORDER_ASC
        data, has_more = await page(
            self._store, table, partition, after, ascending=ascending, limit=request.limit or _PAGE
        )
        return file_pb2.ListFilesResponse(
            data=data, has_more=has_more, **paging.ends([file.id for file in data])
        )

    async def get(self, caller: Caller, request: file_pb2.GetFileRequest) -> file_pb2.File:
        return (await self._row(caller.project, request.file_id)).body.file

    async def delete(
        self, caller: Caller, request: file_pb2.DeleteFileRequest
    ) -> file_pb2.DeleteFileResponse:
        while True:
            row = await self._row(caller.project, request.file_id)
            try:
                removal = await self._removal.begin(row)
            except Conflict:
                continue
            if removal is not None:
                await self._finish(removal)
            return file_pb2.DeleteFileResponse(id=row.id, deleted=True)

    async def content(
        self, caller: Caller, request: file_pb2.GetFileContentRequest
    ) -> AsyncGenerator[file_pb2.GetFileContentResponse, None]:
        row = await self._row(caller.project, request.file_id)
        purpose = row.body.file.purpose
        if not self._downloads and purpose in KEPT_IN:
            raise StateConflict(f"Not allowed to download files of purpose: {word(purpose)}")
        async with aclosing(reading.content(self._shared.blobs, row.body)) as chunks:
            # Whether the bytes can be read at all is known before the answer begins.
            first = await anext(chunks, b"")
            yield file_pb2.GetFileContentResponse(file=row.body.file)
            yield file_pb2.GetFileContentResponse(data=first)
            async for chunk in chunks:
                yield file_pb2.GetFileContentResponse(data=chunk)

    async def _make(
        self,
        partition: Partition,
        id: str,
        key: str | None,
        form: Form[file_pb2.NewFile],
        blob: loose.Written,
    ) -> file_pb2.File:
        new = form.metadata
        check_filename(new.filename)
        now = self._store.now()
        file = creation.new_file(
            id,
            filename=new.filename,
            purpose=purpose_of(new.purpose),
            size=blob.blob.bytes,
            created_at=now // SECOND,
            lifetime=lifetime(
                new.purpose, new.expires_after if new.HasField("expires_after") else None
            ),
        )
        order = await creation.next_order(self._store, partition, now)
        known = fingerprint(key, new, form.digest)
        operations: Sequence[Operation] = [
            *creation.put_file(file, [blob.blob], order, known),
            loose.named(blob.announcement),
            Check(kind=tables.gone.kind, id=id, expected=None),
        ]
        await commit_new(self._store, partition, operations, self._shared.clock)
        return file

    async def _created_before(
        self, partition: Partition, id: str, key: str, form: Form[file_pb2.NewFile]
    ) -> file_pb2.File:
        known = fingerprint(key, form.metadata, form.digest)
        found = await creation.created_before(self._store, partition, id, known)
        if found is None:
            raise Conflict("a file of this key was there a moment ago")
        return found

    async def _row(self, project: str, id: str) -> Row[FileRecord]:
        row = await reading.find(self._store, project, id)
        if row is None:
            raise creation.no_such_file(id)
        return row

    async def _finish(self, removal: Row[FileRemoval]) -> None:
        work = asyncio.create_task(self._removal.finish(removal))
        timer = asyncio.create_task(self._shared.clock.sleep(LONGEST_REMOVAL))
        try:
            await asyncio.wait((work, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, timer):
                task.cancel()
            ended, _ = await asyncio.gather(work, timer, return_exceptions=True)
            if isinstance(ended, Exception):
                log = structlog.get_logger()
                log.warning("file_removal_postponed", error=type(ended).__name__)
