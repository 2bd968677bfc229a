"""The store port: what the server asks of a database, and nothing else.

The data model, in one screen (PROTOCOL in ARCHITECTURE.md argues each point):

* A **record** is ``(partition, kind, id)`` with an ``order``, an opaque ``version`` and a ``body``
  of bytes. A **log** is an append-only list of entries inside a partition.
* A **commit** is a list of operations in *one* partition. It happens whole or not at all. Each
  operation states the version that it expects; absence (``None``) is a value of its own.
* A version never repeats, not even after delete and re-create.
* Two indexes are written with the record: ``due`` (when does it need attention) and ``directory``
  (listing across the partitions of a project).
* ``watch`` gives wake-ups. They are hints: subscribe, then read, then wait. Early, repeated and
  lost wake-ups must all be harmless to the caller.

``list`` and ``read``, which stay inside a partition, and ``get`` with ``fresh`` see every commit
that was acknowledged before they began; a plain ``get``, ``due`` and ``directory`` may lag.

Everything raises only from the tree in ``errors``: ``Conflict``, ``StoreUnavailable`` (nothing was
changed), ``OutcomeUnknown`` (a commit may or may not have happened: repeat it unchanged).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

T_co = TypeVar("T_co", covariant=True)

Version: TypeAlias = str
"""Opaque. Compare for equality only."""

MAX_OPERATIONS = 100
"""A commit carries at most this many operations ..."""

MAX_COMMIT_BYTES = 1_000_000
"""... and at most this many bytes of bodies (Cosmos DB ends at 2 MB a batch)."""

MAX_NUMBER = 2**62
"""Orders and due times lie between 0 and this."""


class Partition(NamedTuple):
    """One aggregate of one project: the unit of atomicity and of sharding."""

    project: str
    name: str
    """For instance ``thread/thread_abc`` or ``assistants``."""


class Position(NamedTuple):
    """A place in a listing: by order, ties broken by id."""

    order: int
    id: str


class EventId(NamedTuple):
    """``<attempt>-<n>``: compared by attempt, then n."""

    attempt: int
    n: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.n}"


LOG_START = EventId(0, 0)
"""Before every event of a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the store returns of a record."""

    partition: Partition
    kind: str
    id: str
    order: int
    version: Version
    commit: str
    """Id of the commit that wrote this version: tells a repeated commit that it had succeeded."""
    body: bytes
    due: int | None = None
    """Microseconds since the epoch (store time), or None: needs no attention."""

    @property
    def position(self) -> Position:
        return Position(self.order, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of a log. It may hold several events with consecutive ids."""

    first: EventId
    last: EventId
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Write a record whole, if its version is still ``expected`` (None: it must not exist)."""

    kind: str
    id: str
    expected: Version | None
    order: int
    body: bytes
    due: int | None = None
    labels: tuple[str, ...] = ()
    """The directory labels under which this record is listed; a put replaces the earlier ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove a record (with its index entries), if its version is still ``expected``."""

    kind: str
    id: str
    expected: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Change nothing, but conflict unless the record's version is ``expected`` (None: absent)."""

    kind: str
    id: str
    expected: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Add entries to a log; conflicts unless the first id is greater than the log's last."""

    log: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLog:
    """Remove a log and all its entries; removing an absent log is no conflict."""

    log: str


Operation: TypeAlias = Put | Delete | Check | Append | DropLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """All or nothing, in one partition.

    At most one operation for each record and for each log. A commit outside of the limits above is
    a mistake in the program: ``ValueError``, before anything is done.
    """

    id: str
    """Chosen by the caller, unique per decision; a repeat of a commit carries the same id."""
    partition: Partition
    operations: tuple[Operation, ...]


class Watch(Protocol):
    """A subscription to wake-ups, from ``__enter__`` to ``__exit__``; one task at a time waits."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    async def wait(self, timeout: float) -> bool:
        """True once something may have changed since the last return.

        False when ``timeout`` seconds have passed without that.
        """
        ...


class Store(Protocol):
    """Implemented by every backend and by the fakes; one conformance suite holds for all of them."""

    def now(self) -> int:
        """The store's time in microseconds since the epoch."""
        ...

    async def get(
        self, partition: Partition, kind: str, id: str, *, fresh: bool = False
    ) -> Record | None: ...

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
        """Records strictly between ``low`` and ``high``, by position; ``kind=None``: every kind.

        Paging by position is complete where positions are unique: within a kind they are.
        """
        ...

    async def due(self, now: int, limit: int) -> Sequence[Record]:
        """Records of all partitions whose ``due`` is at or before ``now``, earliest first."""
        ...

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
        """Records of a project and kind that carry ``label``, across partitions, by position.

        Paging is complete where a kind's ids are unique within the project.
        """
        ...

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        """Durable when it returns. Gives the new version of each Put, None for other operations.

        Raises ``Conflict`` (nothing changed), ``StoreUnavailable`` (nothing changed) or
        ``OutcomeUnknown`` (repeat it unchanged).
        """
        ...

    async def read(
        self, partition: Partition, log: str, after: EventId, limit: int
    ) -> Sequence[Entry]:
        """The entries of a log whose ``last`` is greater than ``after``, in order."""
        ...

    def watch(self, partition: Partition | None) -> Watch:
        """Wake-ups for commits to one partition; None: for commits that make something due."""
        ...

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless reads and writes can be expected to work."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go of every resource; further calls are errors."""
        ...


@runtime_checkable
class Cautious(Protocol):
    """A store on a server of its own, which can be set to lose what it confirmed."""

    async def cautions(self) -> Sequence[str]:
        """A sentence for each way, with what to do; raises ``StoreUnavailable``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record, and what its ``Put`` said beyond it."""

    record: Record
    labels: tuple[str, ...]
    """Sorted, each once."""


class Log(NamedTuple):
    """The name of a log."""

    partition: Partition
    name: str


@dataclass(frozen=True, slots=True)
class Portion(Generic[T_co]):
    """A part of everything that there is, and where to go on."""

    found: Sequence[T_co]
    cursor: str
    """For the next call; empty after the last portion."""


@runtime_checkable
class Scannable(Protocol):
    """A store that can be read out whole, for a copy. Every backend that is to be copied from or to is one.

    Every method gives a portion: the first for the cursor ``""``, the others for the cursor of the
    portion before. A portion may be empty, and is the last one only if its cursor is. What is there
    from the first portion to the last comes at least once, in any order; it may come again. What is
    written or removed meanwhile may come or not. A cursor is good for the opened store that gave it
    only, and ``limit`` is about how much a portion holds, not a promise.

    Like every read they raise ``StoreUnavailable``, and see what was acknowledged before they began.
    """

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        """All partitions of all projects that hold a record. (A log alone makes no partition.)"""
        ...

    async def logs(self, cursor: str, limit: int) -> Portion[Log]:
        """All logs of all partitions that hold an entry; what is in one, ``read`` tells."""
        ...

    async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
        """All records of one partition, of every kind; none for a partition that is not there."""
        ...
