"""Sends a commit, learns from what did not match, and sends it again until it is judged.

An etag that does not match is not yet a conflict: a check may have changed it and left the version, and where a log
ends is remembered from the last time. So what failed is read, and only that tells.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosResourceExistsError,
)

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, StoreUnavailable
from understudy_server.store.cosmos import batch, items, names
from understudy_server.store.cosmos.ends import Ends
from understudy_server.store.cosmos.reads import read_item
from understudy_server.store.cosmos.sending import (
    TIMEOUT,
    UNHINTED_PAUSE,
    asked_to_wait,
    one_call,
)
from understudy_server.store.port import Append, Check, Commit, Delete, Operation, Put, Version

TRIES = 20
"""Of one commit. Each further one means that somebody else has changed something meanwhile."""

_MISMATCHES = (404, 409, 412)


class Commits:
    def __init__(
        self, container: ContainerProxy, ends: Ends, clock: Clock, now: Callable[[], int]
    ) -> None:
        """``now``: the store's time, in microseconds."""
        self._container = container
        self._ends = ends
        self._clock = clock
        self._now = now

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        """Raises as ``Store.commit``."""
        if not commit.operations:
            # Cosmos DB takes no empty batch.
            return ()
        async with one_call(self._clock, TIMEOUT):
            known = batch.Known()
            for operation in commit.operations:
                if isinstance(operation, Append):
                    await self._recall_end(commit, operation, known)
            for _ in range(TRIES):
                steps = batch.steps(commit, known, secrets.token_hex(8), self._now())
                try:
                    results = await self._container.execute_item_batch(
                        [step.call for step in steps], names.partition_key(commit.partition)
                    )
                except CosmosBatchOperationError as error:
                    status = error.status_code or 0
                    if asked_to_wait(status, {}) is not None:
                        await self._clock.sleep(UNHINTED_PAUSE)
                    elif status in _MISMATCHES:
                        failed = commit.operations[steps[error.error_index].number]
                        await self._learn(commit, failed, known)
                    else:
                        raise StoreUnavailable(f"Cosmos DB refused: {error.message}") from error
                except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
                    # The batch as a whole has the status of an operation, and does not say of which.
                    for operation in commit.operations:
                        await self._learn(commit, operation, known)
                else:
                    self._remember_ends(commit, steps, results)
                    return batch.versions(commit, steps, results)
            raise StoreUnavailable(f"{commit.partition.name} changes too often")

    async def _recall_end(self, commit: Commit, append: Append, known: batch.Known) -> None:
        end = self._ends.get(commit.partition, append.log)
        if end is not None and batch.ends_before(end, append):
            known.ends[append.log] = end
        elif end is not None:
            await self._learn(commit, append, known)

    def _remember_ends(
        self, commit: Commit, steps: Sequence[batch.Step], results: Sequence[Mapping[str, Any]]
    ) -> None:
        for operation in commit.operations:
            if not isinstance(operation, Put | Delete | Check):
                self._ends.forget(commit.partition, operation.log)
        for step, result in zip(steps, results, strict=True):
            operation = commit.operations[step.number]
            if step.end is not None and isinstance(operation, Append):
                end = replace(step.end, etag=batch.etag(result))
                self._ends.remember(commit.partition, operation.log, end)

    async def _learn(self, commit: Commit, operation: Operation, known: batch.Known) -> None:
        """Find out what is there now. Raises ``Conflict`` if it is not what the operation expects."""
        if isinstance(operation, Append):
            end = await self._ends.read(commit.partition, operation.log)
            if not batch.ends_before(end, operation):
                raise Conflict(f"log {operation.log} goes further")
            if end is None:
                known.ends.pop(operation.log, None)
            else:
                known.ends[operation.log] = end
        elif isinstance(operation, Put | Delete | Check):
            id = names.record_id(operation.kind, operation.id)
            item = await read_item(self._container, names.partition_key(commit.partition), id)
            if (items.version(item) if item else None) != operation.expected:
                raise Conflict(f"{commit.partition.name} is not as expected")
            if item is not None:
                known.etags[operation.kind, operation.id] = item["_etag"]
