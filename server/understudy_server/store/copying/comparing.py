"""What one partition or one log holds on both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeAlias, TypeVar

from understudy_server.store.copying import decisions, marker
from understudy_server.store.copying.outcome import Counts
from understudy_server.store.port import (
    LOG_START,
    Log,
    Partition,
    Portion,
    Scannable,
    Store,
    Version,
)

T = TypeVar("T")

PAGE = 64
"""Records or entries at a time. A body has at most a megabyte."""

Key: TypeAlias = tuple[str, str]
"""Kind and id."""


class Copyable(Store, Scannable, Protocol):
    """What can be copied from, and to."""


async def everything(ask: Callable[[str, int], Awaitable[Portion[T]]]) -> AsyncIterator[T]:
    """Perhaps more than once."""
    cursor = ""
    while True:
        portion = await ask(cursor, PAGE)
        for found in portion.found:
            yield found
        cursor = portion.cursor
        if not cursor:
            return


async def is_empty(store: Copyable) -> bool:
    """Whether a store holds nothing, except perhaps a copy's marker."""
    async for partition in everything(store.partitions):
        if partition != marker.PARTITION:
            return False
    async for _ in everything(store.logs):
        return False
    return True


async def holds(store: Copyable, place: Partition | Log) -> bool:
    if isinstance(place, Log):
        return bool(await store.read(place.partition, place.name, LOG_START, 1))
    async for _ in everything(lambda cursor, limit: store.records(place, cursor, limit)):
        return True
    return False


async def digests(store: Copyable, partition: Partition) -> dict[Key, tuple[bytes, Version]]:
    """Of every record. Small, whatever is in them."""
    found = {}
    async for stored in everything(lambda cursor, limit: store.records(partition, cursor, limit)):
        key = stored.record.kind, stored.record.id
        found[key] = decisions.digest(stored), stored.record.version
    return found


async def compare_partition(
    source: Copyable, target: Copyable, partition: Partition, differences: list[str]
) -> Counts:
    """Counts what the source has, and adds a line for each record that is not the same."""
    there = await digests(target, partition)
    counts = Counts(partitions=1)
    seen: set[Key] = set()
    async for stored in everything(lambda c, n: source.records(partition, c, n)):
        key = stored.record.kind, stored.record.id
        if key in seen:
            continue
        seen.add(key)
        counts.records += 1
        counts.bytes += len(stored.record.body)
        if key not in there:
            differences.append(f"{_name(partition, key)} is missing")
        elif there[key][0] != decisions.digest(stored):
            differences.append(f"{_name(partition, key)} differs")
    differences += [f"{_name(partition, key)} is too much" for key in there if key not in seen]
    return counts


async def compare_log(
    source: Copyable, target: Copyable, log: Log, differences: list[str]
) -> Counts:
    """As above, for the entries of a log: one line at most."""
    counts = Counts(logs=1)
    after = LOG_START
    while True:
        here = await source.read(log.partition, log.name, after, PAGE)
        there = await target.read(log.partition, log.name, after, PAGE)
        if list(here) != list(there):
            after = decisions.agreed(here, there, after)
            differences.append(
                f"log {log.name} of {log.partition.name} differs after event {after}"
            )
            return counts
        if not here:
            return counts
        counts.entries += len(here)
        counts.bytes += sum(len(entry.body) for entry in here)
        after = here[-1].last


def _name(partition: Partition, key: Key) -> str:
    kind, id = key
    return f"{kind} {id} of {partition.name} (project {partition.project!r})"
