"""What holds of the head of a thread in every commit: lock, lease, attempt, and the count of deaths. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.server.runs.thread_view import Change
from understudy_server.clock import SECOND
from understudy_server.runs import claiming, machine
from understudy_server.runs import head as heads
from understudy_server.store import tables
from understudy_server.store.v1.records_pb2 import Head, RunState


def _head_only_rises(change: Change) -> Iterator[str]:
    before, after = change.head_before, change.view.head
    if before is None or after is None:
        return
    if after.attempt < before.attempt:
        yield f"attempt falls from {before.attempt} to {after.attempt}"
    if after.last_order < before.last_order:
        yield "the last order falls"
    if before.tombstone and not after.tombstone:
        yield "a deleted thread comes back"
    if after.staged and not before.staged:
        yield "a thread that existed is staged"


def _one_active_run(change: Change) -> Iterator[str]:
    """The lock: the head names the one run that has not ended, and nothing else."""
    view = change.view
    if not view.exists():
        return
    assert view.head is not None
    live = view.live()
    if len(live) > 1:
        yield f"two active runs: {live}"
    if view.head.active_run not in (live or [""]):
        yield f"locked by {view.head.active_run!r} while {live} live"


def _only_the_holder_writes(change: Change) -> Iterator[str]:
    before, after = change.head_before, change.view.head
    if before is None or after is None or not change.puts_head() or after.tombstone:
        return
    if before.active_run and after.attempt == before.attempt and change.author != before.holder:
        yield f"{change.author} writes while {before.holder or 'nobody'} holds the run"
    if before.active_run != after.active_run and before.active_run and after.active_run:
        yield f"{after.active_run} takes the thread from {before.active_run}"
    if after.holder and after.holder not in (before.holder, change.author):
        yield f"{change.author} makes {after.holder} the holder"


def _attempts_rise(change: Change) -> Iterator[str]:
    """Whoever gets a run, or ends one that nobody holds, or deletes the thread, does it under a new attempt."""
    before, after = change.head_before, change.view.head
    if before is None or after is None or after.attempt > before.attempt:
        return
    if after.active_run and after.active_run != before.active_run:
        yield f"{after.active_run} is created in attempt {after.attempt} of the run before"
    if after.holder and after.holder != before.holder:
        yield f"{after.holder} claims {after.active_run} in attempt {after.attempt} of somebody else"
    if before.active_run and not (after.active_run or before.holder):
        yield f"{before.active_run} is ended by nobody in attempt {after.attempt}"
    if after.tombstone and not before.tombstone:
        yield "a thread is deleted and fences nobody"
    for id, state, written in change.states():
        old = written.before.run.status if isinstance(written.before, RunState) else None
        if old == machine.REQUIRES_ACTION and state.run.status == machine.QUEUED:
            yield f"{id} gets its outputs in attempt {after.attempt}, in which it had asked"


def _deaths_are_counted(change: Change) -> Iterator[str]:
    """Holders that a run was taken from count against it, and nothing else: no hand-over, no claim of what waits."""
    head, deaths = change.view.head, change.view.deaths
    if head is None or head.tombstone:
        return
    if head.active_run and head.takeovers != deaths[head.active_run]:
        dead = deaths[head.active_run]
        yield f"{head.active_run} has lost {dead} holders, and {head.takeovers} are counted"
    for id, state, _ in change.states():
        too_many = state.run.last_error.message == claiming.TOO_MANY_DEATHS
        if too_many and deaths[id] != heads.MAX_TAKEOVERS:
            yield f"{id}: given up after {deaths[id]} deaths"
        if deaths[id] > heads.MAX_TAKEOVERS:
            yield f"{id}: goes on after {deaths[id]} deaths"


def _due(change: Change) -> Iterator[str]:
    """The index of what needs attention says what the record says."""
    for _, written in change.of(tables.heads.kind):
        head, due = written.after, written.put.due
        assert isinstance(head, Head)
        if head.tombstone:
            continue
        if head.staged:
            right = due is not None
        elif not head.active_run:
            right = due is None
        elif head.holder:
            right = due == head.lease_until
        else:
            run = change.view.runs[head.active_run].run
            waits = run.status == machine.REQUIRES_ACTION
            right = due == run.expires_at * SECOND if waits else due is not None
        if not right:
            yield f"a head that is due at {due}: {head}"
    for id, state, written in change.states():
        ended = state.run.status in machine.TERMINAL and not state.log_dropped
        if (written.put.due is not None) != ended:
            yield f"{id} is due at {written.put.due}"


HEAD_RULES: tuple[Callable[[Change], Iterator[str]], ...] = (
    _head_only_rises,
    _one_active_run,
    _only_the_holder_writes,
    _attempts_rise,
    _deaths_are_counted,
    _due,
)
