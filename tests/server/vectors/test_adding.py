"""What adding a file comes to, as a table."""

from __future__ import annotations

import pytest
from google.protobuf.empty_pb2 import Empty

from tests.server.vectors.test_files import attributes
from tests.server.vectors.world import static
from understudy.v1 import tool_pb2
from understudy.v1 import vector_store_file_pb2 as pb
from understudy_server.store.v1.records_pb2 import Blob, VectorStoreFileRecord
from understudy_server.vectors.adding import Entry, added, is_restarted, resolved
from understudy_server.vectors.counting import CANCELLED, COMPLETED, FAILED, IN_PROGRESS

NORMAL, SMALL = static(800, 400), static(100, 0)


def record(status: pb.VectorStoreFileStatus.ValueType) -> VectorStoreFileRecord:
    made = VectorStoreFileRecord(filename="a.txt", holder="core", lease_until=9, takeovers=2)
    made.file.CopyFrom(
        pb.VectorStoreFile(
            id="file-1",
            created_at=5,
            vector_store_id="vs_1",
            status=status,
            chunking_strategy=NORMAL,
            attributes=attributes(a="x"),
        )
    )
    if status == COMPLETED:
        made.segment.CopyFrom(Blob(key="k"))
        made.file.usage_bytes = 7
    if status == FAILED:
        made.file.last_error.message = "broken"
    return made


def entry(strategy: tool_pb2.ChunkingStrategy, **values: str) -> Entry:
    return Entry(
        file_id="file-1", filename="a.txt", strategy=strategy, attributes=attributes(**values)
    )


@pytest.mark.parametrize(
    ("before", "strategy", "restarted"),
    [
        (None, NORMAL, True),
        (IN_PROGRESS, NORMAL, False),
        (IN_PROGRESS, SMALL, True),
        (COMPLETED, NORMAL, False),
        (COMPLETED, SMALL, True),
        (FAILED, NORMAL, True),
        (FAILED, SMALL, True),
        (CANCELLED, NORMAL, True),
    ],
)
def test_when_a_file_is_worked_on_again(
    before: pb.VectorStoreFileStatus.ValueType | None,
    strategy: tool_pb2.ChunkingStrategy,
    *,
    restarted: bool,
) -> None:
    old = None if before is None else record(before)
    after = added(old, entry(strategy, b="y"), store_id="vs_1", now=8_000_000, batch="vsfb_1")
    assert after is not None
    assert after.file.attributes == attributes(b="y")
    assert is_restarted(old, after) == restarted
    assert ("vsfb_1" in after.batches) == (after.file.status == IN_PROGRESS)
    if not restarted:
        assert old is not None
        assert after.holder == old.holder
        assert after.segment == old.segment
        return
    assert after.file.status == IN_PROGRESS
    assert after.file.chunking_strategy == strategy
    assert after.file.created_at == (8 if old is None else 5)
    assert not after.holder
    assert not after.takeovers
    assert not after.HasField("segment")
    assert not after.file.HasField("last_error")
    assert not after.file.usage_bytes


@pytest.mark.parametrize("status", [IN_PROGRESS, COMPLETED])
def test_nothing_new_changes_nothing(status: pb.VectorStoreFileStatus.ValueType) -> None:
    assert added(record(status), entry(NORMAL), store_id="vs_1", now=8) is None


def test_attributes_that_are_not_given_stay() -> None:
    after = added(record(FAILED), entry(SMALL), store_id="vs_1", now=8)
    assert after is not None
    assert after.file.attributes == attributes(a="x")


def test_batches_that_wait_go_on_waiting() -> None:
    before = record(IN_PROGRESS)
    before.batches.append("vsfb_0")
    after = added(before, entry(SMALL), store_id="vs_1", now=8, batch="vsfb_1")
    assert after is not None
    assert after.batches == ["vsfb_0", "vsfb_1"]
    again = added(after, entry(SMALL), store_id="vs_1", now=9, batch="vsfb_1")
    assert again is None


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (None, NORMAL),
        (tool_pb2.ChunkingStrategy(), NORMAL),
        (tool_pb2.ChunkingStrategy(auto=Empty()), NORMAL),
        (SMALL, SMALL),
    ],
)
def test_the_numbers_that_are_used(
    given: tool_pb2.ChunkingStrategy | None, used: tool_pb2.ChunkingStrategy
) -> None:
    assert resolved(given) == used
