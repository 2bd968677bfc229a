"""Three cores that share the files of one batch: one is killed, one is stopped, and the last one ends the work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import openai
import pytest

from tests.server.documents import samples
from tests.servers import KEY, UPSTREAM_KEY, Process, environment, start
from tests.upstream.threaded import ThreadedUpstream
from understudy_server.clock import SystemClock
from understudy_server.retrieval.segment import decode
from understudy_server.store import tables
from understudy_server.store.opener import open_store
from understudy_server.store.port import Store
from understudy_server.store.v1.records_pb2 import VectorStoreFileRecord

FILES = 40


def documents(random: Random) -> dict[str, tuple[bytes, str]]:
    """By name: bytes, and the text that is to come of them; empty: none."""
    found: dict[str, tuple[bytes, str]] = {}
    for number in range(FILES):
        text = f"This is file {number}. " + " ".join(
            random.choice(["one", "two", "three"]) for _ in range(random.choice([5, 50, 20_000]))
        )
        match number % 4:
            case 0:
                found[f"{number}.docx"] = (samples.word(text), text)
            case 1:
                found[f"{number}.html"] = (f"<p>{text}</p>".encode(), text)
            case _:
                found[f"{number}.txt"] = (text.encode("utf-16"), text)
    found["broken.pdf"] = (b"%PDF-1.7\nnothing", "")
    found["bomb.docx"] = (samples.bomb("docx", 150 * 1024**2), "")
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", ["one"])
async def test_every_file_ends_once_whoever_dies(seed: str, tmp_path: Path) -> None:
    random = Random(seed)
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        variables = environment(tmp_path, upstream, _store(tmp_path)) | {
            "UNDERSTUDY_LEASE": "8",
            "UNDERSTUDY_EMBEDDINGS": "none",
            "UNDERSTUDY_DOCUMENT_MEMORY": str(256 * 1024**2),
        }
        processes: list[Process] = []
        try:
            for number in range(3):
                processes.append(start(["core"], tmp_path, variables, log=f"core{number}.log"))  # noqa: PERF401
            cores = ",".join(core.facts["gRPC"] for core in processes)
            processes.append(start(["edge", "--core", cores], tmp_path, variables))
            url = processes[-1].facts["REST"]
            async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=10) as client:
                store_id, wanted = await _play(client, random, processes)
            for process in processes[2:]:
                process.terminate()
        finally:
            for process in processes:
                process.kill()
    await _nothing_is_left(tmp_path, store_id, wanted)


async def _play(
    client: openai.AsyncOpenAI, random: Random, processes: list[Process]
) -> tuple[str, dict[str, str]]:
    """The vector store, and the texts that its files are to have."""
    given = documents(random)
    uploaded = await asyncio.gather(
        *(
            client.files.create(file=(name, data), purpose="assistants")
            for name, (data, _) in given.items()
        )
    )
    wanted = {file.id: given[file.filename][1] for file in uploaded}
    store = await client.vector_stores.create(name="all of it")
    batch = await client.vector_stores.file_batches.create(store.id, file_ids=sorted(wanted))
    await _until(client, store.id, batch.id, random.randint(3, 8))
    processes[0].popen.kill()
    await _until(client, store.id, batch.id, random.randint(12, 18))
    await asyncio.to_thread(processes[1].terminate)
    await _until(client, store.id, batch.id, len(wanted))

    batch = await client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
    assert batch.status == "completed"
    counts = batch.file_counts
    assert (counts.completed, counts.failed, counts.total) == (FILES, 2, FILES + 2)
    store = await client.vector_stores.retrieve(store.id)
    assert store.file_counts.to_dict() == counts.to_dict()
    assert store.status == "completed"
    listed = [file async for file in client.vector_stores.files.list(store.id, limit=100)]
    assert sorted(file.id for file in listed) == sorted(wanted)
    assert store.usage_bytes == sum(file.usage_bytes for file in listed)
    for file in listed:
        if wanted[file.id]:
            assert (file.status, file.last_error) == ("completed", None)
        else:
            assert file.last_error is not None
            assert (file.status, file.last_error.code) == ("failed", "invalid_file")
    return store.id, wanted


async def _until(client: openai.AsyncOpenAI, store_id: str, batch_id: str, count: int) -> None:
    """Returns when so many files of the batch have ended."""
    while True:
        batch = await client.vector_stores.file_batches.retrieve(batch_id, vector_store_id=store_id)
        if batch.file_counts.completed + batch.file_counts.failed >= count:
            return
        await asyncio.sleep(0.02)


async def _nothing_is_left(folder: Path, store_id: str, wanted: dict[str, str]) -> None:
    store = await open_store(_store(folder), SystemClock())
    try:
        partition = tables.vector_store_partition("alpha", store_id)
        found = await store.list(partition, tables.vector_files.kind, limit=1000)
        records = {record.id: tables.vector_files.parse(record).body for record in found}
        assert records.keys() == wanted.keys()
        assert not [record for record in found if record.due is not None]
        named, known = await _blobs(store, records)
    finally:
        await store.close()
    files = folder / "data" / "files"
    kept = {
        path.relative_to(files).as_posix()
        for path in files.glob("*/*")
        if ".begun" not in path.parts
    }
    assert named <= kept <= known
    for id, record in records.items():
        if wanted[id]:
            content = (files / record.segment.key).read_bytes()
            assert decode(content).text == wanted[id]
            assert record.file.usage_bytes == len(content)


def _store(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.db'}?shared=true"


async def _blobs(
    store: Store, records: dict[str, VectorStoreFileRecord]
) -> tuple[set[str], set[str]]:
    """Those that a file or a segment is made of, and with them such as a record sees to the removal of."""
    named = {record.segment.key for record in records.values() if record.HasField("segment")}
    place = tables.files_of("alpha")
    for row in await tables.files.list(store, place, limit=1000):
        named |= {piece.key for piece in row.body.pieces}
    ends = (
        place,
        tables.vector_store_partition("alpha", next(iter(records.values())).file.vector_store_id),
    )
    known = set(named)
    for partition in ends:
        for loose in await tables.loose_blobs.list(store, partition, limit=1000):
            known.add(loose.body.blob.key)
    return named, known
