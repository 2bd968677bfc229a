"""What a copy decides by looking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.samples import THREAD, delete, entry, put
from understudy_server.store import tables
from understudy_server.store.copying import decisions
from understudy_server.store.port import MAX_COMMIT_BYTES, MAX_OPERATIONS, Put, Record, Stored
from understudy_server.store.v1.records_pb2 import Head


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis://me:secret@host:6379/0", "redis://HOST:6379/0"),
        ("redis://host/0?prefix=a&client_name=x", "redis://host/0?prefix=a"),
        ("postgres://u:p@host/db/", "postgresql://v@host/db?pool=4"),
        ("sqlite:////srv/a.db", "sqlite:////srv/a.db?shared=true"),
    ],
)
def test_one_store_has_one_identity(one: str, other: str) -> None:
    assert decisions.identity(one) == decisions.identity(other)
    assert "secret" not in decisions.identity(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis://host/0", "redis://host/1"),
        ("redis://host/0", "redis://other/0"),
        ("redis://host/0", "redis://host:7000/0"),
        ("redis://host/0?prefix=a", "redis://host/0?prefix=b"),
        ("postgresql://host/db?schema=a", "postgresql://host/db"),
        ("sqlite:////srv/a.db", "sqlite:////srv/b.db"),
        ("cosmos://host/a?container=one", "cosmos://host/a?container=two"),
    ],
)
def test_two_stores_have_two(one: str, other: str) -> None:
    assert decisions.identity(one) != decisions.identity(other)


def _stored(one: Put, *, version: str = "1", commit: str = "c") -> Stored:
    record = Record(
        partition=THREAD,
        kind=one.kind,
        id=one.id,
        order=one.order,
        version=version,
        commit=commit,
        body=one.body,
        due=one.due,
    )
    return Stored(record=record, labels=tuple(sorted(set(one.labels))))


ONE = put("a", order=3, body=b"body", due=9, labels=("x", "y"))


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, order=4),
        replace(ONE, body=b"bodY"),
        replace(ONE, body=b""),
        replace(ONE, due=None),
        replace(ONE, due=0),
        replace(ONE, labels=()),
        replace(ONE, labels=("x",)),
        replace(ONE, labels=("x, y",)),
    ],
    ids=str,
)
def test_a_digest_tells_records_apart(other: Put) -> None:
    assert decisions.digest(_stored(ONE)) != decisions.digest(_stored(other))


def test_a_digest_leaves_out_what_belongs_to_one_store() -> None:
    assert decisions.digest(_stored(ONE)) == decisions.digest(_stored(ONE, version="2", commit="d"))


def test_a_put_says_what_was_stored() -> None:
    assert decisions.put(_stored(ONE), "7") == replace(ONE, expected="7")


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([0] * 200, MAX_OPERATIONS),
        ([MAX_COMMIT_BYTES, 0, 1], 2),
        ([MAX_COMMIT_BYTES - 1, 1, 1], 2),
        ([MAX_COMMIT_BYTES - 1, 2], 1),
        ([400_000] * 3, 2),
    ],
)
def test_a_chunk_fits_a_commit(sizes: list[int], fit: int) -> None:
    chunk = decisions.Chunk()
    for number, size in enumerate(sizes):
        one = put(str(number), body=b"x" * size)
        if not chunk.has_room(one):
            break
        chunk.add(one)
    assert len(chunk.operations) == fit


def test_a_chunk_takes_deletions_too() -> None:
    chunk = decisions.Chunk()
    chunk.add(put("a", body=b"x" * MAX_COMMIT_BYTES))
    assert chunk.has_room(delete("b", "1"))


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([1, 1, 1], [3]),
        ([MAX_COMMIT_BYTES, MAX_COMMIT_BYTES], [1, 1]),
        ([600_000, 400_000, 1], [2, 1]),
    ],
)
def test_appends_fit_commits(sizes: list[int], parts: list[int]) -> None:
    entries = [entry((1, n + 1), body=b"x" * size) for n, size in enumerate(sizes)]
    made = list(decisions.appends("run_1", entries))
    assert [len(one.entries) for one in made] == parts
    assert [each for one in made for each in one.entries] == entries


@pytest.mark.parametrize(
    ("kind", "head", "now", "is_held"),
    [
        ("head", Head(holder="core-1", lease_until=10), 9, True),
        ("head", Head(holder="core-1", lease_until=10), 10, False),
        ("head", Head(active_run="run_1"), 9, False),
        ("head", Head(tombstone=True), 0, False),
        ("message", Head(holder="core-1", lease_until=10), 9, False),
    ],
)
def test_a_lease_tells_that_a_server_is_at_work(
    kind: str, head: Head, now: int, is_held: bool
) -> None:
    body = head.SerializeToString()
    record = _stored(put(tables.HEAD_ID, kind=kind, body=body)).record
    assert (decisions.held(record, now) is not None) == is_held
