"""The files of vector stores that this core works on.

No queue exists but the store's index of what is due: a file that nobody holds, or whose holder has died, is due, and
whichever core has room claims it.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import Any

import structlog

from understudy_server.documents.port import Documents
from understudy_server.embeddings.port import Embeddings
from understudy_server.errors import BlobsUnavailable, Conflict, StoreError
from understudy_server.ingest import lease, outcome
from understudy_server.ingest.work import Claim, Lost, Work
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Partition, Record
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord
from understudy_server.vectors.amend import Changed, amend_file

LOOK = 50
"""Records among which a slot that has become free looks for its next file."""

HAND_OVER = 5.0
"""Seconds for giving files back."""


class Ingestion:
    """``attend`` is the worker's attendant for files of vector stores. ``slots``: files at a time."""

    def __init__(
        self,
        shared: Collaborators,
        *,
        documents: Documents,
        embeddings: Embeddings | None,
        slots: int,
    ) -> None:
        self._shared = shared
        self._work = Work(shared, documents, embeddings)
        self._slots = slots
        self._core = f"core-{uuid.uuid4().hex[:12]}"
        self._claims = 0
        self._tries: dict[tuple[Partition, str], int] = {}
        """Of files that met trouble here."""
        self._tasks: dict[tuple[Partition, str], asyncio.Task[None]] = {}
        """Of the files in the slots."""
        self._alive: set[asyncio.Task[None]] = set()
        """Those, and such as look for the next file."""
        self._beginning = 0
        self._stopping = False
        self._log = structlog.get_logger().bind(component="ingestion", core=self._core)

    async def attend(self, record: Record) -> bool:
        """Claims a file that is due, if there is room, and begins to work on it.

        Raises ``Conflict`` when somebody was quicker, and other ``StoreError``s.
        """
        name = (record.partition, record.id)
        if self._is_full() or name in self._tasks:
            return False
        row = tables.vector_files.parse(record)
        if not lease.is_free(row.body, self._shared.store.now()):
            return False
        self._beginning += 1
        try:
            if lease.is_fatal(row.body, self._core):
                return await self._give_up(row)
            head = await tables.vector_heads.get(
                self._shared.store, record.partition, HEAD_ID, fresh=True
            )
            if head is None or head.body.tombstone:
                return False
            claim = await self._claim(row)
        finally:
            self._beginning -= 1
        if self._stopping:
            await self._give_back(claim)
            return True
        task = asyncio.create_task(self._run(claim))
        self._tasks[name] = task
        self._alive.add(task)
        task.add_done_callback(self._alive.discard)
        return True

    async def stop(self) -> None:
        """Gives back what is being worked on; another core goes on with it, from its beginning."""
        self._stopping = True
        # A task that is cancelled before it has begun would give nothing back.
        await self._shared.clock.sleep(0)
        for task in self._tasks.values():
            task.cancel()
        if not self._alive:
            return
        timer = asyncio.create_task(self._shared.clock.sleep(HAND_OVER))
        ended = asyncio.gather(*self._alive, return_exceptions=True)
        waited: list[asyncio.Future[Any]] = [timer, ended]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        for task in self._alive:
            task.cancel()
        await asyncio.gather(ended, return_exceptions=True)

    def _is_full(self) -> bool:
        return self._stopping or len(self._tasks) + self._beginning >= self._slots

    async def _claim(self, row: Row[VectorStoreFileRecord]) -> Claim:
        self._claims += 1
        holder = f"{self._core}/{self._claims}"
        put = lease.claimed(
            row,
            core=self._core,
            holder=holder,
            now=self._shared.store.now(),
            lease=self._shared.lease,
        )
        partition = row.record.partition
        await commit_new(self._shared.store, partition, [put], self._shared.clock)
        return Claim(partition=partition, file_id=row.id, holder=holder)

    async def _give_up(self, row: Row[VectorStoreFileRecord]) -> bool:
        def decide(_: object, now: Row[VectorStoreFileRecord] | None) -> Changed | None:
            if now is None or now.version != row.version:
                return None
            return lease.failed(now.body, lease.SERVER_ERROR, lease.TOO_MANY_DEATHS)

        partition = row.record.partition
        await amend_file(self._shared.store, self._shared.clock, partition, row.id, decide)
        self._log.warning("file_given_up", file_id=row.id)
        return True

    async def _run(self, claim: Claim) -> None:
        """Never raises but when it is cancelled."""
        name = (claim.partition, claim.file_id)
        try:
            await self._hold(claim)
        except asyncio.CancelledError:
            await self._give_back(claim)
            raise
        except Exception:  # noqa: BLE001  # a bug; the lease ends, and the budget of deaths bounds it
            self._log.exception("file_abandoned", file_id=claim.file_id)
        finally:
            del self._tasks[name]
        if not self._stopping:
            await self._look()

    async def _give_back(self, claim: Claim) -> None:
        with suppress(Lost, StoreError):
            await self._work.release(claim, 0)

    async def _hold(self, claim: Claim) -> None:
        """Works on the file for as long as it is this claim's."""
        work = asyncio.create_task(self._try(claim))
        keeper = asyncio.create_task(self._work.keep(claim))
        try:
            await asyncio.wait([work, keeper], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
            else:
                self._log.info("file_lost", file_id=claim.file_id)
        finally:
            work.cancel()
            keeper.cancel()
            await asyncio.gather(work, keeper, return_exceptions=True)

    async def _try(self, claim: Claim) -> None:
        name = (claim.partition, claim.file_id)
        try:
            await self._work.complete(claim)
            self._tries.pop(name, None)
        except Lost:
            self._log.info("file_lost", file_id=claim.file_id)
        except Exception as error:  # noqa: BLE001  # whatever it is, the file must not stay in progress for ever
            tries = self._tries[name] = self._tries.get(name, 0) + 1
            judged = outcome.of(error, tries)
            self._tell(claim, error, judged)
            with suppress(Lost):
                if isinstance(judged, outcome.Fail):
                    del self._tries[name]
                    await self._work.fail(claim, judged)
                else:
                    await self._work.release(claim, judged.seconds)

    def _tell(self, claim: Claim, error: Exception, judged: outcome.Outcome) -> None:
        log = self._log.bind(file_id=claim.file_id)
        if isinstance(judged, outcome.Fail) and judged.message == outcome.SORRY:
            log.error("file_failed", exc_info=error)
        elif isinstance(judged, outcome.Fail):
            log.info("file_failed", error=judged.message)
        elif isinstance(error, StoreError | BlobsUnavailable | OSError):
            log.warning("file_put_off", error=str(error), seconds=judged.seconds)

    async def _look(self) -> None:
        """A slot has become free: what is due is begun at once."""
        store = self._shared.store
        try:
            for record in await store.due(store.now(), LOOK):
                if record.kind == tables.vector_files.kind:
                    with suppress(Conflict):
                        await self.attend(record)
        except StoreError as error:
            self._log.warning("look_failed", error=str(error))
        except Exception:  # noqa: BLE001  # as above; the worker looks again
            self._log.exception("look_crashed")
