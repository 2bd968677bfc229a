"""The head of a thread: how each kind of commit changes it, and when it is due. Pure.

Every function returns a new head; the caller puts it with the version that it read.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy_server.clock import SECOND
from understudy_server.store.port import Put, Version
from understudy_server.store.tables import HEAD_ID, heads
from understudy_server.store.v1.records_pb2 import Head

LEASE = 15 * SECOND
"""A holder that has not committed for so long may be replaced, unless a core is told otherwise."""

BEATS = 3
"""How often a holder that has nothing else to commit renews its lease before that."""

MAX_TAKEOVERS = 3
"""How many dead holders a run survives; the next takeover ends it as failed."""

STAGE_LIMIT = 60 * SECOND
"""A thread whose creation has not finished after so long is purged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHead:
    """A head to write and when it needs attention (store time; None: never)."""

    head: Head
    due: int | None

    def put(self, expected: Version | None) -> Put:
        return heads.put(HEAD_ID, self.head, expected=expected, order=0, due=self.due)


def next_order(head: Head, now: int) -> int:
    """After everything in the thread, whichever machines wrote it with whichever clocks."""
    return max(now, head.last_order + 1)


def fresh(*, now: int, last_order: int, staged: bool = False) -> NewHead:
    """The head of a new thread."""
    head = Head(last_order=last_order, staged=staged)
    return NewHead(head=head, due=now + STAGE_LIMIT if staged else None)


def extended(head: Head, due: int | None, last_order: int) -> NewHead:
    """Something was added at the end; lock and lease stay as they are."""
    after = _copy(head)
    after.last_order = last_order
    return NewHead(head=after, due=due)


def taken(
    head: Head, *, run_id: str, core: str | None, now: int, last_order: int, lease: int = LEASE
) -> NewHead:
    """A run has been created, or has got its tool outputs; ``core`` starts it at once, or nobody."""
    after = _copy(head)
    after.active_run = run_id
    after.attempt += 1
    after.last_order = last_order
    if head.active_run != run_id:
        after.takeovers = 0
    return _lease(after, core, now, lease)


def claimed(head: Head, *, core: str, now: int, lease: int = LEASE) -> NewHead:
    """A core takes over a run that nobody holds or whose holder's lease has ended."""
    after = _copy(head)
    after.attempt += 1
    after.last_order = next_order(head, now)
    # Only a dead holder counts against the run; a hand-over does not.
    if head.holder:
        after.takeovers += 1
    return _lease(after, core, now, lease)


def held(head: Head, *, now: int, last_order: int, lease: int = LEASE) -> NewHead:
    """The holder goes on; every commit renews its lease."""
    after = _copy(head)
    after.last_order = last_order
    return _lease(after, head.holder, now, lease)


def waiting(head: Head, *, last_order: int, until: int) -> NewHead:
    """The run waits for tool outputs: locked, held by nobody, due when it expires (Unix seconds)."""
    after = _copy(head)
    after.last_order = last_order
    after.holder = ""
    after.lease_until = 0
    return NewHead(head=after, due=until * SECOND)


def handed_over(head: Head, *, now: int, last_order: int) -> NewHead:
    """The holder stops on purpose; any core may go on at once."""
    after = _copy(head)
    after.last_order = last_order
    return _lease(after, None, now, 0)


def unlocked(head: Head, *, last_order: int, bump: bool = False) -> NewHead:
    """The run has ended. ``bump`` when a claim and the end are one commit."""
    after = _copy(head)
    after.last_order = last_order
    after.active_run = ""
    after.holder = ""
    after.lease_until = 0
    after.takeovers = 0
    if bump:
        after.attempt += 1
    return NewHead(head=after, due=None)


def tombstone(head: Head, *, now: int) -> NewHead:
    """The thread is deleted. A higher attempt fences whoever works on it."""
    after = _copy(head)
    after.tombstone = True
    after.attempt += 1
    return NewHead(head=after, due=now)


def exists(head: Head | None) -> bool:
    return head is not None and not head.tombstone and not head.staged


def fenced(head: Head | None, *, run_id: str, attempt: int) -> bool:
    """Whether a holder must stop: the thread is gone, or the run or the attempt is no longer its own."""
    return head is None or head.tombstone or head.active_run != run_id or head.attempt != attempt


def _lease(head: Head, core: str | None, now: int, lease: int) -> NewHead:
    head.holder = core or ""
    head.lease_until = now + lease if core else 0
    return NewHead(head=head, due=head.lease_until if core else now)


def _copy(head: Head) -> Head:
    after = Head()
    after.CopyFrom(head)
    return after
