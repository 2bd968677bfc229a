"""What came of a key, and portions of it, as tables."""

from __future__ import annotations

import pytest

from understudy_server.auth.lineage import came_of, portions
from understudy_server.auth.records import KEYS
from understudy_server.auth.stored_key import StoredKey
from understudy_server.store.port import MAX_COMMIT_BYTES, Put, Record
from understudy_server.store.v1.records_pb2 import ApiKey


def key(id: str, maker: str) -> StoredKey:
    record = Record(partition=KEYS, kind="key", id=id, order=0, version="", commit="", body=b"")
    return StoredKey(id=id, key=ApiKey(created_by=maker), record=record)


@pytest.mark.parametrize(
    ("line", "came"),
    [
        ("", ""),
        ("a-", ""),
        ("b-a c-a d- e-d", "bc"),
        ("d-b b-a c-a e-c", "bcde"),
        ("a-b b-a", "b"),
        ("a-a b-a", "b"),
        ("b-c c-b", ""),
    ],
)
def test_what_came_of_a_key(line: str, came: str) -> None:
    keys = [key(*word.split("-")) for word in line.split()]
    assert "".join(stored.id for stored in came_of("a", keys)) == came


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([], 3, []),
        ([1, 1, 1, 1], 3, [3, 1]),
        ([1, 1], 1, [1, 1]),
        ([MAX_COMMIT_BYTES, 1], 9, [1, 1]),
        ([1, MAX_COMMIT_BYTES - 1, 1], 9, [2, 1]),
    ],
)
def test_portions(sizes: list[int], most: int, expected: list[int]) -> None:
    puts = [
        Put(kind="key", id=str(number), expected=None, order=0, body=bytes(size))
        for number, size in enumerate(sizes)
    ]
    found = list(portions(puts, most))
    assert [len(portion) for portion in found] == expected
    assert [put for portion in found for put in portion] == puts
