"""Changing a thread: read the head, decide, commit; after a conflict, decide again.

Every request that adds to a thread has this shape. A decision looks up what it is about to create before it
judges whether it may, so that a repeated request finds what the first one made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from understudy_server.clock import Clock
from understudy_server.errors import Conflict
from understudy_server.store import tables
from understudy_server.store.commits import MAX_TRIES, after_conflict, commit_new
from understudy_server.store.port import Operation, Partition, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import Head

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan(Generic[T]):
    """Commit these operations; then ``result`` is the answer."""

    operations: Sequence[Operation]
    result: T


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Nothing to change: ``result`` is the answer."""

    result: T


Decide: TypeAlias = Callable[[Row[Head] | None], Awaitable[Plan[T] | Done[T]]]


async def amend(store: Store, clock: Clock, partition: Partition, decide: Decide[T]) -> T:
    """Raises what ``decide`` raises; ``Conflict`` after too many tries; other ``StoreError``s."""
    for attempt in range(MAX_TRIES):
        head = await tables.heads.get(store, partition, HEAD_ID, fresh=True)
        plan = await decide(head)
        if isinstance(plan, Done):
            return plan.result
        try:
            await commit_new(store, partition, plan.operations, clock)
        except Conflict:
            await after_conflict(clock, attempt)
        else:
            return plan.result
    raise Conflict("too many writers on one thread")
