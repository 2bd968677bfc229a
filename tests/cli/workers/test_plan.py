from __future__ import annotations

import pytest

from understudy_cli.setting import SettingsError
from understudy_cli.workers.plan import STEADY, Restarts, grpc_addresses, shared_files, shared_store


@pytest.mark.parametrize(
    ("address", "workers", "expected"),
    [
        ("127.0.0.1:50051", 1, ["127.0.0.1:50051"]),
        ("127.0.0.1:50051", 3, ["127.0.0.1:50051", "127.0.0.1:50052", "127.0.0.1:50053"]),
        ("[::1]:65534", 2, ["[::1]:65534", "[::1]:65535"]),
        ("127.0.0.1:0", 2, ["127.0.0.1:0", "127.0.0.1:0"]),
        ("off", 2, ["off", "off"]),
        ("unix:/run/core.sock", 3, [f"unix:/run/core.sock{end}" for end in ("", ".2", ".3")]),
        ("unix:core:0", 1, ["unix:core:0"]),
        ("nonsense", 1, ["nonsense"]),  # one worker's own error says it best
    ],
)
def test_each_worker_has_an_address(address: str, workers: int, expected: list[str]) -> None:
    assert list(grpc_addresses(address, workers)) == expected


@pytest.mark.parametrize(
    ("address", "workers", "words"),
    [
        ("127.0.0.1:65535", 2, "2 workers need the ports from 65535 to 65536"),
        ("nonsense", 2, "'nonsense' is not host:port"),
        ("127.0.0.1:http", 2, "is not host:port"),
        (":50051", 2, "is not host:port"),
    ],
)
def test_an_address_that_cannot_be_counted_up_is_refused(
    address: str, workers: int, words: str
) -> None:
    with pytest.raises(SettingsError, match=f"^grpc: .*{words}"):
        grpc_addresses(address, workers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a.db", "sqlite:///a.db?shared=true"),
        ("sqlite:////srv/a.db?shared=true", "sqlite:////srv/a.db?shared=true"),
        ("redis://me:secret@host/0?prefix=x", "redis://me:secret@host/0?prefix=x"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("sqlite:///a.db?mode=ro", "sqlite:///a.db?mode=ro"),
        ("nonsense", "nonsense"),
    ],
)
def test_the_store_is_opened_as_shared(url: str, expected: str) -> None:
    assert shared_store(url, 2) == expected
    assert shared_store(url, 1) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://", "2 processes cannot share memory://"),
        ("sqlite:///a.db?shared=false", "'sqlite:///a.db[?]shared=false' says that they do not"),
    ],
)
def test_a_store_that_is_not_shared_is_refused(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^workers: .*{words}"):
        shared_store(url, 2)
    assert shared_store(url, 1) == url


def test_files_in_memory_are_not_shared() -> None:
    assert shared_files("memory:", 1) == "memory:"
    assert shared_files("/srv/files", 2) == "/srv/files"
    assert shared_files("s3://bucket", 2) == "s3://bucket"
    with pytest.raises(SettingsError, match="2 processes cannot share memory:"):
        shared_files("memory:", 2)


def test_a_worker_that_ends_again_and_again_waits_longer_and_longer() -> None:
    restarts = Restarts()
    pauses = [restarts.pause_after(1, lived=1) for _ in range(8)]
    assert pauses == [0, 0.5, 1, 2, 4, 8, 10, 10]


def test_a_worker_that_had_worked_is_started_again_at_once() -> None:
    restarts = Restarts()
    assert [restarts.pause_after(-9, lived=lived) for lived in (1, 1, STEADY, 1)] == [
        0,
        0.5,
        0,
        0.5,
    ]


def test_a_worker_that_was_asked_to_end_is_replaced_at_once() -> None:
    restarts = Restarts()
    assert [restarts.pause_after(status, lived=1) for status in (1, 0, 0, 1)] == [0, 0, 0, 0.5]
