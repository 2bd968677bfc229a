from __future__ import annotations

import pytest

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.ingest import lease
from understudy_server.store.port import Partition, Record
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import Blob, VectorStoreFileRecord
from understudy_server.vectors.counting import CANCELLED, COMPLETED, FAILED, IN_PROGRESS


def row(**fields: object) -> Row[VectorStoreFileRecord]:
    body = VectorStoreFileRecord(
        file=files.VectorStoreFile(id="file-1", status=IN_PROGRESS),
        **fields,  # type: ignore[arg-type]  # fields of the record
    )
    record = Record(
        partition=Partition("p", "vector_store/vs_1"),
        kind="vector-file",
        id="file-1",
        order=7,
        version="v",
        commit="c",
        body=b"",
    )
    return Row(body, record)


def parsed(body: bytes) -> VectorStoreFileRecord:
    return VectorStoreFileRecord.FromString(body)


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({}, True),
        ({"holder": "a/1", "lease_until": 101}, False),
        ({"holder": "a/1", "lease_until": 100}, True),
    ],
)
def test_who_may_be_claimed(fields: dict[str, object], free: bool) -> None:
    assert lease.is_free(row(**fields).body, 100) is free


@pytest.mark.parametrize("status", [COMPLETED, FAILED, CANCELLED])
def test_what_has_ended_is_claimed_by_nobody(status: files.VectorStoreFileStatus.ValueType) -> None:
    body = row().body
    body.file.status = status
    assert not lease.is_free(body, 100)


@pytest.mark.parametrize(
    ("holder", "takeovers", "after", "fatal"),
    [
        ("", 0, 0, False),
        ("", 2, 2, False),
        ("b/1", 0, 1, False),
        ("b/1", 1, 2, False),
        ("b/1", 2, 3, True),
        ("a/1", 2, 2, False),
    ],
)
def test_only_others_that_died_count(holder: str, takeovers: int, after: int, fatal: bool) -> None:
    found = row(holder=holder, takeovers=takeovers)
    put = lease.claimed(found, core="a", holder="a/2", now=100, lease=15)
    body = parsed(put.body)
    assert (body.holder, body.lease_until, body.takeovers) == ("a/2", 115, after)
    assert (put.due, put.order, put.expected) == (115, 7, "v")
    assert lease.is_fatal(found.body, "a") is fatal
    assert found.body.takeovers == takeovers


def test_renewing_and_giving_back() -> None:
    found = row(holder="a/1", lease_until=100, takeovers=1)
    put = lease.renewed(found, now=90, lease=15)
    assert (put.due, parsed(put.body).lease_until, parsed(put.body).holder) == (105, 105, "a/1")
    put = lease.released(found, due=120)
    body = parsed(put.body)
    assert (put.due, body.holder, body.lease_until, body.takeovers) == (120, "", 0, 1)


def test_ends() -> None:
    body = row(holder="a/1", lease_until=100, takeovers=1).body
    done = lease.completed(body, Blob(key="f/k", bytes=12), 3).record
    assert done is not None
    assert (done.file.status, done.file.usage_bytes, done.chunks) == (COMPLETED, 12, 3)
    assert (done.holder, done.takeovers, done.segment.key) == ("", 0, "f/k")
    failed = lease.failed(body, lease.SERVER_ERROR, "Why.").record
    assert failed is not None
    assert (failed.file.status, failed.file.last_error.message) == (FAILED, "Why.")
    assert not failed.HasField("segment")
    assert body.holder == "a/1"
