"""Files on their way into a vector store, and all that may come in between."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.server.ingest.place import Ingester, Ingestions, open_ingestions
from tests.server.vectors.world import caller, static
from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.errors import (
    BlobMissing,
    BlobsUnavailable,
    EmbeddingError,
    InvalidFile,
    OutcomeUnknown,
    StoreUnavailable,
    UnsupportedFile,
)
from understudy_server.ingest import lease, outcome
from understudy_server.store.port import Commit
from understudy_server.vectors.counting import COMPLETED, FAILED, IN_PROGRESS

TEXT = "One sentence after the other. " * 400


def gate(core: Ingester, name: str = "a.txt") -> asyncio.Event:
    return core.documents.gates.setdefault(name, asyncio.Event())


async def test_a_file_becomes_a_segment() -> None:
    async with open_ingestions() as world:
        core = world.core()
        file_id = await world.added(TEXT, chunking_strategy=static(100, 50))
        await world.clock.run_until(world.work(core))
        shown, record = await world.shown(file_id), await world.record(file_id)
        assert shown.status == COMPLETED
        assert not shown.HasField("last_error")
        segment = await world.segment(file_id)
        assert segment.text == TEXT
        assert segment.embedding == "scripted/embeddings"
        assert segment.vectors is not None
        assert len(segment.bounds) == len(segment.vectors) == record.chunks > 60
        assert np.allclose(np.linalg.norm(segment.vectors, axis=1), 1)
        assert shown.usage_bytes == record.segment.bytes > len(TEXT)
        assert (record.holder, record.lease_until, record.takeovers) == ("", 0, 0)
        store = await world.place.shown(world.store_id)
        assert store.usage_bytes == shown.usage_bytes
        assert (store.file_counts.completed, store.file_counts.total) == (1, 1)
        assert await world.loose() == []
        assert len(world.blobs) == 2
        row = await world.row(file_id)
        assert row is not None
        assert row.record.due is None


async def test_without_embeddings_there_are_no_vectors() -> None:
    async with open_ingestions() as world:
        file_id = await world.added(TEXT)
        await world.clock.run_until(world.work(world.core(vectors=False)))
        segment = await world.segment(file_id)
        assert segment.vectors is None
        assert segment.text == TEXT
        assert segment.bounds.tolist()[0][0] == 0


async def test_vectors_are_made_in_batches() -> None:
    async with open_ingestions() as world:
        core = world.core()
        await world.added(TEXT * 8, chunking_strategy=static(100, 50))
        await world.clock.run_until(world.work(core))
        assert set(core.embeddings.asked[:-1]) == {256}
        assert len(core.embeddings.asked) > 1


FAILURES: dict[str, tuple[Exception, Any, str]] = {
    "unsupported": (
        UnsupportedFile("Not this kind."),
        files.VECTOR_STORE_FILE_ERROR_CODE_UNSUPPORTED_FILE,
        "Not this kind.",
    ),
    "invalid": (
        InvalidFile("It is broken."),
        files.VECTOR_STORE_FILE_ERROR_CODE_INVALID_FILE,
        "It is broken.",
    ),
    "embeddings": (EmbeddingError("No vectors came."), lease.SERVER_ERROR, "No vectors came."),
    "missing": (BlobMissing("x"), lease.SERVER_ERROR, "The bytes of this file are not there"),
    "bug": (ZeroDivisionError("x"), lease.SERVER_ERROR, outcome.SORRY),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_file_that_fails_says_why_and_keeps_nobody_waiting(name: str) -> None:
    error, code, message = FAILURES[name]
    async with open_ingestions() as world:
        core = world.core()
        core.documents.errors["bad.txt"] = [error]
        bad, good = await world.added(name="bad.txt"), await world.added(name="good.txt")
        await world.clock.run_until(world.work(core))
        shown = await world.shown(bad)
        assert shown.status == FAILED
        assert shown.last_error.code == code
        assert shown.last_error.message.startswith(message)
        assert (await world.shown(good)).status == COMPLETED
        assert await world.loose() == []
        assert len(world.blobs) == 3


async def test_embeddings_that_fail_leave_no_bytes() -> None:
    async with open_ingestions() as world:
        core = world.core()
        file_id = await world.added(TEXT * 8, chunking_strategy=static(100, 50))
        core.embeddings.errors = [EmbeddingError("Away.")]
        await world.clock.run_until(world.work(core))
        assert (await world.shown(file_id)).last_error.message == "Away."
        assert len(world.blobs) == 1


@pytest.mark.parametrize(
    "error", [BlobsUnavailable("away"), StoreUnavailable("away"), OSError("no process")]
)
async def test_trouble_that_passes_is_waited_for(error: Exception) -> None:
    async with open_ingestions() as world:
        core = world.core()
        core.documents.errors["a.txt"] = [type(error)("x") for _ in range(4)]
        file_id = await world.added()
        await world.clock.run_until(world.work(core))
        row = await world.row(file_id)
        assert row is not None
        assert row.body.file.status == IN_PROGRESS
        assert not row.body.holder
        assert row.record.due is not None
        assert row.record.due > core.store.now()
        await world.clock.run_until(world.finish(core))
        assert (await world.shown(file_id)).status == COMPLETED
        assert (await world.record(file_id)).takeovers == 0
        assert world.clock.monotonic() >= 1 + 2 + 4 + 8


async def test_trouble_of_this_machine_is_not_waited_for_for_ever() -> None:
    async with open_ingestions() as world:
        core = world.core()
        core.documents.errors["a.txt"] = [OSError("x") for _ in range(outcome.MAX_TRIES)]
        file_id = await world.added()
        await world.clock.run_until(world.finish(core))
        assert (await world.shown(file_id)).last_error.message == outcome.SORRY


@pytest.mark.parametrize("error", [StoreUnavailable("away"), OutcomeUnknown("who knows")])
async def test_a_store_that_is_away_at_the_end_costs_no_work(error: Exception) -> None:
    async with open_ingestions() as world:
        core = world.core()
        file_id = await world.added()
        core.embeddings.before = lambda: core.store.errors.extend(
            type(error)("x") for _ in range(60)
        )
        await world.clock.run_until(world.finish(core))
        assert (await world.shown(file_id)).status == COMPLETED
        assert core.documents.read == ["a.txt"]
        assert (await world.record(file_id)).takeovers == 0


async def test_a_lease_is_renewed_for_as_long_as_it_takes() -> None:
    async with open_ingestions() as world:
        core, other = world.core(), world.core()
        opening = gate(core)
        file_id = await world.added()
        await core.look()
        await core.documents.has_begun("a.txt")
        for _ in range(20):
            await world.clock.advance(7)
            await other.look()
            assert not other.tasks
        opening.set()
        await world.clock.run_until(core.done())
        assert (await world.shown(file_id)).status == COMPLETED


async def test_two_cores_work_on_a_file_once() -> None:
    async with open_ingestions() as world:
        cores = [world.core(), world.core()]
        for number in range(10):
            await world.added(name=f"{number}.txt")
        await world.clock.run_until(world.finish(*cores))
        read = cores[0].documents.read + cores[1].documents.read
        assert sorted(read) == [f"{number}.txt" for number in range(10)]


async def test_no_more_files_at_a_time_than_slots_and_the_next_at_once() -> None:
    async with open_ingestions() as world:
        core = world.core(slots=3)
        for number in range(10):
            await world.added(name=f"{number}.txt")
        await core.look()
        assert len(core.tasks) == 3
        await world.clock.run_until(core.done())
        # Without another look of the worker.
        assert len(core.documents.read) == 10
        assert core.documents.most <= 3


async def test_a_file_that_is_deleted_is_taken_out() -> None:
    async with open_ingestions() as world:
        core = world.core()
        before, during = await world.added(), await world.added(name="b.txt")
        await world.place.lose_file(before)
        opening = gate(core, "b.txt")
        await core.look()
        await core.documents.has_begun("b.txt")
        await world.place.lose_file(during)
        core.documents.errors["b.txt"] = [BlobMissing("deleted")]
        opening.set()
        await world.clock.run_until(core.done())
        assert await world.row(before) is None
        assert await world.row(during) is None
        assert await world.place.pointers(before) == []
        assert (await world.place.shown(world.store_id)).file_counts.total == 0


@pytest.mark.parametrize("how", ["removed", "store deleted", "taken over", "restarted"])
async def test_work_on_a_file_that_is_not_ones_own_any_more_is_thrown_away(how: str) -> None:
    async with open_ingestions() as world:
        core = world.core()
        opening = gate(core)
        file_id = await world.added()
        await core.look()
        await core.documents.has_begun("a.txt")
        await take_away(world, file_id, how)
        opening.set()
        await world.clock.run_until(core.done())
        if how == "restarted":
            # The same core went on with it, as it then was.
            assert core.documents.read == ["a.txt", "a.txt"]
            assert (await world.shown(file_id)).status == COMPLETED
            assert len(world.blobs) == 2
            return
        assert len(world.blobs) == 1
        if how == "taken over":
            assert (await world.record(file_id)).holder == "other/1"


async def take_away(world: Ingestions, file_id: str, how: str) -> None:
    if how == "removed":
        request = files.DeleteVectorStoreFileRequest(
            vector_store_id=world.store_id, file_id=file_id
        )
        await world.place.rooms.files.delete(caller(), request)
    elif how == "store deleted":
        await world.place.delete_store(world.store_id)
    elif how == "restarted":
        await world.place.add(world.store_id, file_id, chunking_strategy=static(200, 0))
    else:
        row = await world.row(file_id)
        assert row is not None
        now = world.place.memory.now()
        put = lease.claimed(row, core="other", holder="other/1", now=now, lease=10**9)
        commit = Commit(id="taken", partition=world.partition, operations=(put,))
        await world.place.memory.commit(commit)


async def test_a_lease_that_is_lost_ends_the_work() -> None:
    async with open_ingestions() as world:
        core = world.core()
        gate(core)
        file_id = await world.added()
        await core.look()
        await core.documents.has_begun("a.txt")
        await take_away(world, file_id, "taken over")
        await world.clock.run_until(core.done())
        assert core.documents.reading == 0
        assert (await world.record(file_id)).holder == "other/1"


async def test_another_core_takes_over_from_a_dead_one() -> None:
    async with open_ingestions() as world:
        dying, other = world.core(), world.core()
        gate(dying)
        file_id = await world.added(TEXT)
        await dying.look()
        await dying.documents.has_begun("a.txt")
        dying.kill()
        await other.look()
        assert not other.tasks
        await world.clock.advance(16)
        await other.look()
        assert (await world.record(file_id)).takeovers == 1
        await world.clock.run_until(other.done())
        assert (await world.shown(file_id)).status == COMPLETED
        assert (await world.place.shown(world.store_id)).file_counts.total == 1
        assert len(world.blobs) == 2


async def test_a_file_that_costs_three_cores_their_lives_has_failed() -> None:
    async with open_ingestions() as world:
        file_id = await world.added()
        for _ in range(3):
            core = world.core()
            gate(core)
            await core.look()
            await core.documents.has_begun("a.txt")
            core.kill()
            await world.clock.advance(16)
        last = world.core()
        await last.look()
        assert not last.tasks
        shown = await world.shown(file_id)
        assert shown.status == FAILED
        assert shown.last_error.code == lease.SERVER_ERROR
        assert shown.last_error.message == lease.TOO_MANY_DEATHS
        assert (await world.place.shown(world.store_id)).file_counts.failed == 1


async def test_a_core_that_stops_hands_over_at_once_and_that_is_no_death() -> None:
    async with open_ingestions() as world:
        stopping, other = world.core(), world.core()
        gate(stopping)
        file_id = await world.added()
        await stopping.look()
        await stopping.documents.has_begun("a.txt")
        await world.clock.run_until(stopping.ingestion.stop())
        assert stopping.documents.reading == 0
        assert not stopping.tasks
        await stopping.look()
        assert not stopping.tasks
        record = await world.record(file_id)
        assert (record.holder, record.takeovers) == ("", 0)
        await world.clock.run_until(world.work(other))
        assert (await world.shown(file_id)).status == COMPLETED


async def test_stopping_does_not_wait_for_a_store_that_does_not_answer() -> None:
    async with open_ingestions() as world:
        core = world.core()
        gate(core)
        await world.added()
        await core.look()
        await core.documents.has_begun("a.txt")
        core.kill()
        await world.clock.run_until(core.ingestion.stop())
        assert not core.tasks


async def test_a_batch_counts_and_ends_with_its_files() -> None:
    async with open_ingestions() as world:
        core = world.core()
        names = [f"{number}.txt" for number in range(5)]
        ids = [await world.file(name=name) for name in names]
        core.documents.errors["3.txt"] = [InvalidFile("No.")]
        batch = await world.place.add_batch(world.store_id, *ids)
        await world.place.attend()
        await world.clock.run_until(world.finish(core))
        batch = await world.place.batch(world.store_id, batch.id)
        assert batch.status == files.VECTOR_STORE_FILE_BATCH_STATUS_COMPLETED
        counts = batch.file_counts
        assert (counts.completed, counts.failed, counts.in_progress, counts.total) == (4, 1, 0, 5)
