"""Commits whose outcome is unknown: repeat unchanged, and look only after a conflict."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, OutcomeUnknown, StoreUnavailable
from understudy_server.store.port import Commit, Operation, Partition, Put, Store, Version

_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.02, 2.0, 1.0
"""Seconds between tries, and by how much each pause outgrows the last."""


MAX_TRIES = 60
"""Conflicts in a row after which whoever decides again and again gives up."""

_CONFLICT_PAUSE = 0.005
"""Seconds; grows with each conflict, up to fifty times this."""


async def after_conflict(clock: Clock, attempt: int, pause: float = _CONFLICT_PAUSE) -> None:
    """The pause before deciding again. ``attempt``: how many conflicts there were before this one.

    ``pause``: seconds, for who contends for little.
    """
    await clock.sleep(pause * min(attempt, 50))


async def settle(
    store: Store, commit: Commit, clock: Clock, *, patience: float = 15.0
) -> tuple[Version | None, ...]:
    """Commit, and return only when it is known whether it happened.

    A try that ends unknown or refused is repeated with the same id, expectations and bytes. When
    one meets a conflict, the record of the commit's first Put tells whether that conflict is with
    the commit's own earlier success: then the record carries this commit's id.

    Returns what ``Store.commit`` returns. After a success that was found rather than reported, the
    version of a record that somebody has since overwritten or deleted is None.

    So the first Put of a commit should be of the record that every other writer of the partition
    also puts (a thread's head), and should expect a version: then a late copy of an earlier try
    can only conflict. If a later commit has already overwritten that record, the answer is
    ``Conflict`` although the commit did happen; a caller that decides again looks for its own
    record first.

    ``patience``: seconds of ``clock`` after which no further try is made; ``math.inf`` never gives
    up. Raises ``Conflict`` (this commit changed nothing, with the exception just named),
    ``StoreUnavailable`` (every try was refused; nothing changed) or ``OutcomeUnknown`` (it may
    have happened; call again with the same commit).
    """
    end = clock.monotonic() + patience
    unknown = False
    for pause in _pauses():
        try:
            return await _attempt(store, commit)
        except OutcomeUnknown:
            unknown = True
            if clock.monotonic() + pause > end:
                raise
        except StoreUnavailable as error:
            if clock.monotonic() + pause > end:
                if unknown:
                    raise OutcomeUnknown(f"an earlier try may have happened: {error}") from error
                raise
        await clock.sleep(pause)
    raise AssertionError("unreachable: there is always another pause")


async def commit_new(
    store: Store, partition: Partition, operations: Sequence[Operation], clock: Clock
) -> tuple[Version | None, ...]:
    """Settle one decision as a commit of its own; deciding again makes another one. Raises as ``settle``."""
    commit = Commit(id=uuid.uuid4().hex, partition=partition, operations=tuple(operations))
    return await settle(store, commit, clock)


async def _attempt(store: Store, commit: Commit) -> tuple[Version | None, ...]:
    try:
        return await store.commit(commit)
    except Conflict:
        try:
            happened = await _happened(store, commit)
            versions = await _versions(store, commit) if happened else None
        except StoreUnavailable as error:
            raise OutcomeUnknown(f"after a conflict nothing could be read: {error}") from error
        if versions is None:
            raise
        return versions


async def _happened(store: Store, commit: Commit) -> bool:
    for operation in commit.operations:
        if isinstance(operation, Put):
            record = await store.get(commit.partition, operation.kind, operation.id, fresh=True)
            return record is not None and record.commit == commit.id
    return False


async def _versions(store: Store, commit: Commit) -> tuple[Version | None, ...]:
    versions: list[Version | None] = []
    for operation in commit.operations:
        version = None
        if isinstance(operation, Put):
            record = await store.get(commit.partition, operation.kind, operation.id, fresh=True)
            if record is not None and record.commit == commit.id:
                version = record.version
        versions.append(version)
    return tuple(versions)


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
