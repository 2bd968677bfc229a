"""What must hold of all vector stores once nobody has anything left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.server.vectors.world import PROJECT, Place
from understudy.v1 import vector_store_pb2
from understudy_server.store import tables
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Partition, Record
from understudy_server.vectors.counting import IN_PROGRESS, STATUS_WORDS, word

MANY = 100_000


async def check_all(place: Place) -> None:
    """Counts are those of the files; every file in a store is there, and knows it; nothing is half done."""
    store = place.memory
    assert isinstance(store, MemoryStore)
    portion = await store.partitions("", MANY)
    for partition in portion.found:
        records = await store.list(partition, None, limit=MANY)
        assert not [record for record in records if record.kind == tables.errands.kind]
        if partition.name.startswith("vector_store/"):
            await _check(place, partition, records)


async def _check(place: Place, partition: Partition, records: Sequence[Record]) -> None:
    kinds = {record.kind for record in records}
    head = await tables.vector_heads.get(place.memory, partition, tables.HEAD_ID)
    assert head is not None
    assert head.record.due is None
    store_id = tables.vector_store_of(partition)
    if head.body.tombstone:
        assert kinds <= {"vector-head", "loose-blob"}
        return
    assert "vector_store" in kinds
    assert not [kind for kind in kinds if kind.startswith("vector-entry/")]
    files = await tables.vector_files.list(place.memory, partition, limit=MANY)
    statuses = Counter(word(row.body.file.status) for row in files)
    expected = vector_store_pb2.FileCounts(total=len(files), **statuses)
    assert head.body.counts == expected
    assert head.body.usage_bytes == sum(row.body.file.usage_bytes for row in files)
    for status in STATUS_WORDS:
        kind = tables.vector_files_in(status)
        pointers = {record.id for record in records if record.kind == kind}
        assert pointers == {row.id for row in files if word(row.body.file.status) == status}
    there = await tables.files.list(place.memory, tables.files_of(PROJECT), limit=MANY)
    assert {row.id for row in files} <= {row.id for row in there}
    for row in files:
        assert store_id in await place.pointers(row.id)
        assert row.body.batches == [] or row.body.file.status == IN_PROGRESS
        assert (row.record.due is not None) == (row.body.file.status == IN_PROGRESS)
    for batch in await tables.vector_batches.list(place.memory, partition, limit=MANY):
        assert not batch.body.staged
        assert batch.record.due is None
        counts = batch.body.batch.file_counts
        assert counts.in_progress == sum(batch.id in row.body.batches for row in files)
        assert counts.total == sum(getattr(counts, status) for status in STATUS_WORDS)
