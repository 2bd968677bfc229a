"""The work on one file that this core holds: from its bytes to a segment, and how that ends in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from understudy_server.clock import SECOND
from understudy_server.documents.chunking import chunks
from understudy_server.documents.port import Documents
from understudy_server.embeddings.port import Embeddings
from understudy_server.errors import BlobMissing, Conflict, InvalidFile, StoreError
from understudy_server.files import loose, reading
from understudy_server.ingest import lease
from understudy_server.ingest.outcome import Fail
from understudy_server.ingest.segment import pieces
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Partition
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import (
    FileRecord,
    VectorStoreFileRecord,
    VectorStoreHead,
)
from understudy_server.vectors import membership
from understudy_server.vectors.amend import Changed, Decide, StoreGone, amend_file

BEATS = 3
"""How often a lease is renewed before it ends."""

MAX_CHUNKS = 200_000

_PAUSE = 1.0
"""Seconds between tries to write how the work has ended, while the store is away."""


class Lost(Exception):
    """The file is not this claim's any more: taken over, cancelled, taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    partition: Partition
    file_id: str
    holder: str


class Work:
    def __init__(
        self, shared: Collaborators, documents: Documents, embeddings: Embeddings | None
    ) -> None:
        self._shared = shared
        self._documents = documents
        self._embeddings = embeddings

    async def complete(self, claim: Claim) -> None:
        """Makes the segment and names it; a file that does not exist any more is taken out of the store.

        Raises ``Lost``, and what ``outcome.of`` knows.
        """
        row = await self._row(claim)
        file = await self._file(claim)
        if file is None:
            return
        try:
            async with aclosing(reading.content(self._shared.blobs, file.body)) as content:
                text = await self._documents.text(row.body.filename, content)
        except BlobMissing:
            if await self._file(claim) is None:
                # Deleted while it was read.
                return
            raise
        bounds = await asyncio.to_thread(_bounds, text, row.body)
        segment = pieces(text, bounds, self._embeddings)
        async with loose.written(self._shared, claim.partition, segment) as written:

            def decide(
                _: Row[VectorStoreHead], row: Row[VectorStoreFileRecord] | None
            ) -> Changed | None:
                if row is not None and row.body.segment.key == written.blob.key:
                    return None
                if row is None or not lease.is_held(row, claim.holder):
                    raise Lost
                changed = lease.completed(row.body, written.blob, len(bounds))
                return Changed(record=changed.record, also=[loose.named(written.announcement)])

            await self._persist(claim, decide)

    async def fail(self, claim: Claim, failure: Fail) -> None:
        """Raises ``Lost``."""

        def decide(
            _: Row[VectorStoreHead], row: Row[VectorStoreFileRecord] | None
        ) -> Changed | None:
            if row is None or not lease.is_held(row, claim.holder):
                raise Lost
            return lease.failed(row.body, failure.code, failure.message)

        await self._persist(claim, decide)

    async def release(self, claim: Claim, seconds: float) -> None:
        """Gives the file back, for whoever has room in ``seconds``. Raises ``Lost`` and ``StoreError``s."""
        while True:
            row = await self._row(claim)
            due = self._shared.store.now() + round(seconds * SECOND)
            try:
                put = lease.released(row, due=due)
                await commit_new(self._shared.store, claim.partition, [put], self._shared.clock)
            except Conflict:
                continue
            return

    async def keep(self, claim: Claim) -> None:
        """Renews the lease; returns when it is lost."""
        while True:
            await self._shared.clock.sleep(self._shared.lease / SECOND / BEATS)
            try:
                row = await self._row(claim)
                now = self._shared.store.now()
                put = lease.renewed(row, now=now, lease=self._shared.lease)
                await commit_new(self._shared.store, claim.partition, [put], self._shared.clock)
            except Lost:
                return
            except StoreError:
                # Somebody changed the record, or the store is away: the next beat tells.
                continue

    async def _file(self, claim: Claim) -> Row[FileRecord] | None:
        """None: it is not there any more, and was taken out of the store."""
        partition = claim.partition
        store_id = tables.vector_store_of(partition)
        return await membership.confirm(self._shared, partition.project, store_id, claim.file_id)

    async def _row(self, claim: Claim) -> Row[VectorStoreFileRecord]:
        row = await tables.vector_files.get(
            self._shared.store, claim.partition, claim.file_id, fresh=True
        )
        if row is None or not lease.is_held(row, claim.holder):
            raise Lost
        return row

    async def _persist(self, claim: Claim, decide: Decide) -> None:
        """Until it is done: what was made of a file must not be made again because the store was away for a while."""
        while True:
            try:
                await amend_file(
                    self._shared.store, self._shared.clock, claim.partition, claim.file_id, decide
                )
            except StoreGone as error:
                raise Lost from error
            except StoreError:
                await self._shared.clock.sleep(_PAUSE)
            else:
                return


def _bounds(text: str, record: VectorStoreFileRecord) -> Sequence[tuple[int, int]]:
    strategy = record.file.chunking_strategy.static
    bounds: list[tuple[int, int]] = []
    for pair in chunks(
        text, size=strategy.max_chunk_size_tokens, overlap=strategy.chunk_overlap_tokens
    ):
        bounds.append(pair)
        if len(bounds) > MAX_CHUNKS:
            raise InvalidFile(
                "The file is too large: it makes too many chunks; choose larger ones."
            )
    return bounds
