"""The reference backend: everything in this process, nothing durable.

Correct by being plain: one dictionary of records, one of logs, and sorted keys for each listing.
A commit runs between two awaits, so the event loop itself makes it atomic.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeAlias

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, StoreUnavailable
from understudy_server.store.port import (
    LOG_START,
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Entry,
    EventId,
    Log,
    Operation,
    Partition,
    Portion,
    Position,
    Put,
    Record,
    Stored,
    Version,
    Watch,
)
from understudy_server.store.scanning import Texts, portion_of_all
from understudy_server.store.sorted_keys import Key, SortedKeys
from understudy_server.store.validation import validate, validate_limit
from understudy_server.store.watches import Watches

_Address: TypeAlias = tuple[Partition, str, str]
"""Partition, kind, id."""

_DUE: Key = ("due",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    record: Record
    labels: frozenset[str]


class MemoryStore:
    """A ``Store`` that forgets everything with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watches = Watches(clock)
        self._stored: dict[_Address, _Stored] = {}
        self._logs: dict[tuple[Partition, str], list[Entry]] = {}
        self._listings: dict[Key, SortedKeys] = {}
        """By the name of a listing: keys that sort as it does and end with the record's address."""
        self._versions = count(1)
        self._closed = False

    def now(self) -> int:
        return self._clock.wall()

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None:
        del fresh  # every read of this store is
        self._refuse_if_closed()
        stored = self._stored.get((partition, kind, id))
        return stored.record if stored else None

    async def list(
        self,
        partition: Partition,
        kind: str | None,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        return self._page(("list", partition, kind), low, high, descending, limit)

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        self._refuse_if_closed()
        validate_limit(limit)
        keys = self._listings.get(_DUE, SortedKeys()).ascending(stop=(now + 1,))
        return self._records(islice(keys, limit))

    async def directory(
        self,
        project: str,
        kind: str,
        label: str,
        *,
        low: Position | None = None,
        high: Position | None = None,
        descending: bool = False,
        limit: int,
    ) -> Sequence[Record]:
        return self._page(("directory", project, kind, label), low, high, descending, limit)

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        self._refuse_if_closed()
        validate(commit)
        for operation in commit.operations:
            self._check(commit.partition, operation)
        versions = tuple(self._apply(commit, operation) for operation in commit.operations)
        self._watches.announce((commit,))
        return versions

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        self._refuse_if_closed()
        validate_limit(limit)
        entries = self._logs.get((partition, log), [])
        start = bisect_right(entries, after, key=lambda entry: entry.last)
        return entries[start : start + limit]

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        keys = {(*partition,) for partition, _, _ in self._stored}
        page = self._portion(keys, cursor, limit)
        return Portion([Partition(*key) for key in page.found], page.cursor)

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        keys = {(*partition, name) for partition, name in self._logs}
        page = self._portion(keys, cursor, limit)
        return Portion([Log(Partition(*key[:2]), key[2]) for key in page.found], page.cursor)

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        keys = {(kind, id) for other, kind, id in self._stored if other == partition}
        page = self._portion(keys, cursor, limit)
        found = [self._stored[partition, kind, id] for kind, id in page.found]
        whole = [Stored(record=each.record, labels=tuple(sorted(each.labels))) for each in found]
        return Portion(whole, page.cursor)

    def watch(self, partition: Partition | None) -> Watch:
        self._refuse_if_closed()
        return self._watches.watch(partition)

    async def ping(self) -> None:
        self._refuse_if_closed()

    async def close(self) -> None:
        self._closed = True
        self._watches.wake_all()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _check(self, partition: Partition, operation: Operation) -> None:
        if isinstance(operation, Put | Delete | Check):
            stored = self._stored.get((partition, operation.kind, operation.id))
            if (stored.record.version if stored else None) != operation.expected:
                raise Conflict(f"{operation.kind} {operation.id} is not as expected")
        elif isinstance(operation, Append):
            entries = self._logs.get((partition, operation.log))
            end = entries[-1].last if entries else LOG_START
            if operation.entries[0].first <= end:
                raise Conflict(f"log {operation.log} already reaches to {end}")

    def _apply(self, commit: Commit, operation: Operation) -> Version | None:
        partition = commit.partition
        if isinstance(operation, Put):
            return self._put(commit, operation)
        if isinstance(operation, Delete):
            self._remove((partition, operation.kind, operation.id))
        elif isinstance(operation, Append):
            self._logs.setdefault((partition, operation.log), []).extend(operation.entries)
        elif isinstance(operation, DropLog):
            self._logs.pop((partition, operation.log), None)
        return None

    def _put(self, commit: Commit, put: Put) -> Version:
        address = (commit.partition, put.kind, put.id)
        if put.expected is not None:
            self._remove(address)
        record = Record(
            partition=commit.partition,
            kind=put.kind,
            id=put.id,
            order=put.order,
            version=str(next(self._versions)),
            commit=commit.id,
            body=put.body,
            due=put.due,
        )
        stored = self._stored[address] = _Stored(record=record, labels=frozenset(put.labels))
        for listing, key in _places(stored):
            self._listings.setdefault(listing, SortedKeys()).add(key)
        return record.version

    def _remove(self, address: _Address) -> None:
        for listing, key in _places(self._stored.pop(address)):
            keys = self._listings[listing]
            keys.remove(key)
            if not keys:
                del self._listings[listing]

    def _portion(self, keys: Iterable[Texts], cursor: str, limit: int) -> Portion[Texts]:
        self._refuse_if_closed()
        validate_limit(limit)
        return portion_of_all(keys, cursor, limit)

    def _page(
        self,
        listing: Key,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> Sequence[Record]:
        self._refuse_if_closed()
        validate_limit(limit)
        keys = self._listings.get(listing, SortedKeys())
        # No text sorts between an id and the same id with a zero character behind it.
        start = (low.order, low.id + "\0") if low else None
        walk = keys.descending if descending else keys.ascending
        return self._records(islice(walk(start, high), limit))

    def _records(self, keys: Iterable[Key]) -> Sequence[Record]:
        return [self._stored[key[-1]].record for key in keys]


def _places(stored: _Stored) -> Iterator[tuple[Key, Key]]:
    """Every listing in which a record stands, and its key there."""
    record = stored.record
    address = (record.partition, record.kind, record.id)
    key = (*record.position, address)
    yield ("list", record.partition, record.kind), key
    yield ("list", record.partition, None), key
    for label in stored.labels:
        yield ("directory", record.partition.project, record.kind, label), key
    if record.due is not None:
        yield _DUE, (record.due, address)
