"""Makes one partition or one log of the target what it is in the source.

Each function looks first and writes only what differs, so that it may be repeated after whatever happened.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from understudy_server.store.copying import decisions
from understudy_server.store.copying.comparing import PAGE, Copyable, Key, digests, everything
from understudy_server.store.copying.outcome import CopyRefused, Counts
from understudy_server.store.port import (
    LOG_START,
    Commit,
    Delete,
    DropLog,
    EventId,
    Log,
    Operation,
    Partition,
    Put,
)


async def transfer_partition(
    source: Copyable, target: Copyable, partition: Partition, *, force: bool
) -> Counts:
    """Raises ``CopyRefused`` when a server holds it, unless ``force``; ``StoreError``."""
    there = await digests(target, partition)
    counts = Counts(partitions=1)
    seen: set[Key] = set()
    chunk = decisions.Chunk()

    async def write(operation: Put | Delete) -> None:
        nonlocal chunk
        if not chunk.has_room(operation):
            await _commit(target, partition, chunk.operations)
            chunk = decisions.Chunk()
        chunk.add(operation)
        counts.written += 1

    async for stored in everything(lambda c, n: source.records(partition, c, n)):
        record = stored.record
        key = record.kind, record.id
        if key in seen:
            continue
        seen.add(key)
        if not force and (words := decisions.held(record, source.now())):
            raise CopyRefused(f"{words}, or copy in spite of that with --force")
        counts.records += 1
        counts.bytes += len(record.body)
        before, version = there.get(key, (None, None))
        if before != decisions.digest(stored):
            await write(decisions.put(stored, version))
    for key, (_, version) in there.items():
        if key not in seen:
            await write(Delete(kind=key[0], id=key[1], expected=version))
    await _commit(target, partition, chunk.operations)
    return counts


async def transfer_log(source: Copyable, target: Copyable, log: Log) -> Counts:
    counts = Counts(logs=1)
    after = await _agreed(source, target, log, counts)
    while page := await source.read(log.partition, log.name, after, PAGE):
        for append in decisions.appends(log.name, page):
            await _commit(target, log.partition, [append])
        counts.entries += len(page)
        counts.written += len(page)
        counts.bytes += sum(len(entry.body) for entry in page)
        after = page[-1].last
    return counts


async def _agreed(source: Copyable, target: Copyable, log: Log, counts: Counts) -> EventId:
    """The end of what the target has already; what is not as in the source is dropped."""
    after = LOG_START
    agreed = Counts()
    while there := await target.read(log.partition, log.name, after, PAGE):
        here = await source.read(log.partition, log.name, after, len(there))
        if list(here) != list(there):
            await _commit(target, log.partition, [DropLog(log=log.name)])
            return LOG_START
        agreed.entries += len(there)
        agreed.bytes += sum(len(entry.body) for entry in there)
        after = there[-1].last
    counts.add(agreed)
    return after


async def _commit(target: Copyable, partition: Partition, operations: Sequence[Operation]) -> None:
    if operations:
        commit = Commit(id=uuid.uuid4().hex, partition=partition, operations=tuple(operations))
        await target.commit(commit)
