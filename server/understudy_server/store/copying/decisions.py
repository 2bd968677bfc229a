"""What a copy decides by looking only. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from understudy_server.store.port import (
    MAX_COMMIT_BYTES,
    MAX_OPERATIONS,
    Append,
    Delete,
    Entry,
    EventId,
    Operation,
    Put,
    Record,
    Stored,
    Version,
)
from understudy_server.store.tables import heads

ROOMS = ("container", "prefix", "schema")
"""Parameters of a URL that tell deployments on one server apart."""


def identity(url: str) -> str:
    """Which store a URL means, without user, password and what says only how to reach it.

    The path of a SQLite file has to be absolute already.
    """
    parts = urlsplit(url)
    rooms = [f"{name}={value}" for name, value in parse_qsl(parts.query) if name in ROOMS]
    query = f"?{'&'.join(sorted(rooms))}" if rooms else ""
    _, _, host = parts.netloc.rpartition("@")
    scheme = "postgresql" if parts.scheme == "postgres" else parts.scheme
    return f"{scheme}://{host.lower()}{parts.path.rstrip('/')}{query}"


def digest(stored: Stored) -> bytes:
    """The same for records of which a reader of either store could not tell which is which.

    Version and commit are left out: they belong to the store that gave them, and mean something only to a server
    that is in the middle of a commit.
    """
    record = stored.record
    head = repr((record.order, record.due, stored.labels)).encode()
    return hashlib.blake2b(head + record.body, digest_size=16).digest()


def put(stored: Stored, expected: Version | None) -> Put:
    record = stored.record
    return Put(
        kind=record.kind,
        id=record.id,
        expected=expected,
        order=record.order,
        body=record.body,
        due=record.due,
        labels=stored.labels,
    )


def agreed(here: Sequence[Entry], there: Sequence[Entry], after: EventId) -> EventId:
    """The last event up to which two logs are the same; they are up to ``after``."""
    for one, other in zip(here, there, strict=False):
        if one != other:
            break
        after = one.last
    return after


def size(operation: Operation) -> int:
    """Bytes of bodies, as ``MAX_COMMIT_BYTES`` counts them."""
    if isinstance(operation, Put):
        return len(operation.body)
    if isinstance(operation, Append):
        return sum(len(entry.body) for entry in operation.entries)
    return 0


class Chunk:
    """Operations that fit into one commit."""

    def __init__(self) -> None:
        self.operations: list[Put | Delete] = []
        self._size = 0

    def has_room(self, operation: Put | Delete) -> bool:
        fits = self._size + size(operation) <= MAX_COMMIT_BYTES
        return not self.operations or (len(self.operations) < MAX_OPERATIONS and fits)

    def add(self, operation: Put | Delete) -> None:
        self.operations.append(operation)
        self._size += size(operation)


def appends(log: str, entries: Iterable[Entry]) -> Iterator[Append]:
    """The entries in order, in commits that are not too large."""
    found: list[Entry] = []
    total = 0
    for entry in entries:
        if found and total + len(entry.body) > MAX_COMMIT_BYTES:
            yield Append(log=log, entries=tuple(found))
            found, total = [], 0
        found.append(entry)
        total += len(entry.body)
    if found:
        yield Append(log=log, entries=tuple(found))


def held(record: Record, now: int) -> str | None:
    """In words, that a server is at work on this record's thread at time ``now`` of its store."""
    if record.kind != heads.kind:
        return None
    head = heads.parse(record).body
    if not head.holder or head.lease_until <= now:
        return None
    seconds = (head.lease_until - now) / 1e6
    return (
        f"a server is at work on {record.partition.name}, or was until a moment ago: stop all servers of the "
        f"source and try again in {seconds:.0f} s"
    )
