"""Operations on uploads."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from understudy.v1 import upload_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import Conflict, NotFound
from understudy_server.files import creation, loose, uploading
from understudy_server.files.ending import ended
from understudy_server.files.purposes import lifetime, purpose_of
from understudy_server.files.reading import content
from understudy_server.files.uploading import CANCELLED, COMPLETED, LIFETIME, PART_LIMIT, PENDING
from understudy_server.idempotency import chosen_id, fingerprint, identify, same_request
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.form import Form
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Check, Operation, Partition
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import (
    Blob,
    FileRecord,
    UploadPartRecord,
    UploadRecord,
)

MAX_TRIES = 60
"""Conflicts in a row after which the caller is told to try again later."""

PAUSE = 0.005
"""Seconds; grows with each conflict."""


class Uploads:
    def __init__(self, shared: Collaborators) -> None:
        self._shared = shared
        self._store = shared.store

    async def create(
        self, caller: Caller, request: upload_pb2.CreateUploadRequest
    ) -> upload_pb2.Upload:
        uploading.check_new(request)
        partition = tables.files_of(caller.project)
        identity = identify(
            self._shared.ids,
            "upload_",
            project=caller.project,
            operation="CreateUpload",
            key=caller.idempotency_key,
            request=request,
        )
        earlier = await self._created_before(partition, identity.id, identity.fingerprint)
        if earlier is not None:
            return earlier
        now = self._store.now()
        created_at = now // SECOND
        upload = upload_pb2.Upload(
            id=identity.id,
            bytes=request.bytes,
            created_at=created_at,
            filename=request.filename,
            purpose=purpose_of(request.purpose),
            status=PENDING,
            expires_at=created_at + LIFETIME,
        )
        after = request.expires_after if request.HasField("expires_after") else None
        record = UploadRecord(
            upload=upload,
            fingerprint=identity.fingerprint,
            expires_after_seconds=lifetime(request.purpose, after),
            mime_type=request.mime_type,
        )
        due = upload.expires_at * SECOND
        operations = [
            tables.uploads.put(identity.id, record, expected=None, order=now, due=due),
            tables.upload_sizes.put(identity.id, Blob(), expected=None, order=now),
        ]
        try:
            await self._commit(partition, *operations)
        except Conflict:
            earlier = await self._created_before(partition, identity.id, identity.fingerprint)
            if earlier is None:
                raise
            return earlier
        return upload

    async def add_part(
        self, caller: Caller, parts: AsyncIterator[upload_pb2.AddUploadPartRequest]
    ) -> upload_pb2.UploadPart:
        form: Form[upload_pb2.NewUploadPart] = Form(
            parts,
            limit=PART_LIMIT,
            too_large=f"The part is too large: a part of an upload has at most {PART_LIMIT} bytes.",
            hashed=caller.idempotency_key is not None,
        )
        await form.begin()
        partition = tables.files_of(caller.project)
        if form.found is not None:
            row = await self._row(partition, form.found.upload_id)
            uploading.check_pending(row.body, self._store.now(), "add parts to")
        async with (
            aclosing(form.content()) as chunks,
            loose.written(self._shared, partition, chunks) as blob,
        ):
            return await self._add(caller, partition, form, blob)

    async def complete(
        self, caller: Caller, request: upload_pb2.CompleteUploadRequest
    ) -> upload_pb2.Upload:
        partition = tables.files_of(caller.project)
        if request.HasField("md5"):
            uploading.check_md5_shape(request.md5)
        checked: Sequence[Blob] | None = None
        for attempt in range(MAX_TRIES):
            row = await self._row(partition, request.upload_id)
            if row.body.upload.status == COMPLETED:
                return row.body.upload
            uploading.check_pending(row.body, self._store.now(), "complete")
            pieces = await self._pieces(partition, row, request.part_ids)
            if request.HasField("md5") and pieces != checked:
                uploading.check_md5(request.md5, await self._md5(pieces))
                checked = pieces
                # That may have taken long.
                uploading.check_pending(row.body, self._store.now(), "complete")
            try:
                return await self._complete(partition, row, pieces)
            except Conflict:
                await self._shared.clock.sleep(PAUSE * attempt)
        raise Conflict("too many writers of one upload")

    async def cancel(
        self, caller: Caller, request: upload_pb2.CancelUploadRequest
    ) -> upload_pb2.Upload:
        partition = tables.files_of(caller.project)
        for attempt in range(MAX_TRIES):
            row = await self._row(partition, request.upload_id)
            now = self._store.now()
            if caller.repeated and row.body.upload.status == CANCELLED:
                return row.body.upload
            uploading.check_pending(row.body, now, "cancel")
            row.body.upload.status = CANCELLED
            try:
                await self._commit(partition, ended(row, now))
            except Conflict:
                await self._shared.clock.sleep(PAUSE * attempt)
                continue
            return row.body.upload
        raise Conflict("too many writers of one upload")

    async def _add(
        self,
        caller: Caller,
        partition: Partition,
        form: Form[upload_pb2.NewUploadPart],
        blob: loose.Written,
    ) -> upload_pb2.UploadPart:
        upload_id = form.metadata.upload_id
        key = caller.idempotency_key
        id = chosen_id(
            self._shared.ids,
            "part_",
            project=caller.project,
            operation=f"AddUploadPart/{upload_id}",
            key=key,
        )
        known = fingerprint(key, form.metadata, form.digest)
        table = tables.upload_parts(upload_id)
        for attempt in range(MAX_TRIES):
            row = await self._row(partition, upload_id)
            earlier = await table.get(self._store, partition, id, fresh=True)
            if earlier is not None:
                same_request(earlier.body.fingerprint, known)
                await self._give_up(blob)
                return earlier.body.part
            now = self._store.now()
            uploading.check_pending(row.body, now, "add parts to")
            size = await tables.upload_sizes.get(self._store, partition, upload_id, fresh=True)
            if size is None:
                continue  # It is being purged, so it is not pending any more.
            used = uploading.allowance_after(size.body.bytes, blob.blob.bytes, row.body.upload)
            part = upload_pb2.UploadPart(id=id, created_at=now // SECOND, upload_id=upload_id)
            record = UploadPartRecord(part=part, blob=blob.blob, fingerprint=known)
            operations: list[Operation] = [
                tables.upload_sizes.replace(size, Blob(bytes=used)),
                table.put(id, record, expected=None, order=now),
                loose.named(blob.announcement),
                Check(kind=tables.uploads.kind, id=upload_id, expected=row.version),
            ]
            try:
                await self._commit(partition, *operations)
            except Conflict:
                await self._shared.clock.sleep(PAUSE * attempt)
                continue
            return part
        raise Conflict("too many writers of one upload")

    async def _give_up(self, blob: loose.Written) -> None:
        await loose.discard(self._store, self._shared.clock, self._shared.blobs, blob.announcement)

    async def _pieces(
        self, partition: Partition, row: Row[UploadRecord], part_ids: Sequence[str]
    ) -> list[Blob]:
        table = tables.upload_parts(row.id)
        rows = await table.list(self._store, partition, limit=uploading.MAX_PARTS + 1)
        found = {part.id: part.body for part in rows}
        return uploading.chosen_parts(part_ids, found, row.body.upload)

    async def _md5(self, pieces: Sequence[Blob]) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        async with aclosing(content(self._shared.blobs, FileRecord(pieces=pieces))) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(digest.update, chunk)
        return digest.hexdigest()

    async def _complete(
        self, partition: Partition, row: Row[UploadRecord], pieces: Sequence[Blob]
    ) -> upload_pb2.Upload:
        now = self._store.now()
        upload = row.body.upload
        file = creation.new_file(
            self._shared.ids.new("file-"),
            filename=upload.filename,
            purpose=upload.purpose,
            size=upload.bytes,
            created_at=now // SECOND,
            lifetime=row.body.expires_after_seconds,
        )
        upload.status = COMPLETED
        upload.file.CopyFrom(file)
        order = await creation.next_order(self._store, partition, now)
        await self._commit(partition, ended(row, now), *creation.put_file(file, pieces, order))
        return upload

    async def _created_before(
        self, partition: Partition, id: str, known: bytes
    ) -> upload_pb2.Upload | None:
        if not known:
            return None
        row = await tables.uploads.get(self._store, partition, id, fresh=True)
        if row is None:
            return None
        same_request(row.body.fingerprint, known)
        return self._shown(row.body)

    async def _row(self, partition: Partition, id: str) -> Row[UploadRecord]:
        row = await tables.uploads.get(self._store, partition, id, fresh=True)
        if row is None:
            raise NotFound(
                f"No upload found with id '{id[:256]}'.", resource=("understudy.v1.Upload", id)
            )
        return row

    def _shown(self, record: UploadRecord) -> upload_pb2.Upload:
        record.upload.status = uploading.status_of(record, self._store.now())
        return record.upload

    async def _commit(self, partition: Partition, *operations: Operation) -> None:
        await commit_new(self._store, partition, operations, self._shared.clock)
