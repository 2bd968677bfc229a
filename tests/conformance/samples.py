"""Short ways to write commits, so that a test shows only what it is about."""

from __future__ import annotations

from itertools import count

from understudy_server.store.port import (
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Entry,
    EventId,
    Operation,
    Partition,
    Put,
    Store,
    Version,
)

THREAD = Partition("proj_1", "thread/thread_1")
SIBLING = Partition("proj_1", "thread/thread_2")
FOREIGN = Partition("proj_2", "thread/thread_1")

_numbers = count(1)


def commit_of(*operations: Operation, partition: Partition = THREAD) -> Commit:
    """A commit with an id of its own."""
    return Commit(id=f"commit_{next(_numbers)}", partition=partition, operations=operations)


def put(
    id: str = "a",
    expected: Version | None = None,
    *,
    kind: str = "message",
    order: int = 1,
    body: bytes = b"body",
    due: int | None = None,
    labels: tuple[str, ...] = (),
) -> Put:
    return Put(kind=kind, id=id, expected=expected, order=order, body=body, due=due, labels=labels)


def delete(id: str, expected: Version, *, kind: str = "message") -> Delete:
    return Delete(kind=kind, id=id, expected=expected)


def check(id: str, expected: Version | None, *, kind: str = "message") -> Check:
    return Check(kind=kind, id=id, expected=expected)


def entry(first: tuple[int, int], last: tuple[int, int] | None = None, body: bytes = b"e") -> Entry:
    return Entry(first=EventId(*first), last=EventId(*(last or first)), body=body)


def append(*entries: Entry, log: str = "run_1") -> Append:
    return Append(log=log, entries=entries)


def drop(log: str = "run_1") -> DropLog:
    return DropLog(log=log)


async def write(
    store: Store, *operations: Operation, partition: Partition = THREAD
) -> tuple[Version | None, ...]:
    """Commit the operations; the versions of the puts among them."""
    return await store.commit(commit_of(*operations, partition=partition))


async def write_one(store: Store, operation: Put, partition: Partition = THREAD) -> Version:
    (version,) = await write(store, operation, partition=partition)
    assert version is not None
    return version
