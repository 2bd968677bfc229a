"""The rules of the run protocol, each with what takes it away; without a rule, histories break.

Two things cover what the attempt's rise on create is for: a holder is fenced by the id of its run as well, and each
run has a log of its own. So only the rule itself shows it, not what clients see; see ``test_head``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from understudy_server import idempotency
from understudy_server.errors import Conflict, OutcomeUnknown
from understudy_server.rpc import messages, runs
from understudy_server.runs import (
    claiming,
    ending,
    executor,
    holder,
    machine,
    starting,
    submitting,
    tail,
)
from understudy_server.runs import head as heads
from understudy_server.runs import tool_calls as calls
from understudy_server.runs import turn_writer as writer
from understudy_server.store import commits, tables
from understudy_server.threads import purge

Ablation: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def no_contiguity(patch: pytest.MonkeyPatch) -> None:
    """A tail sends any live event, whatever it sent before."""
    patch.setattr(tail.Tail, "_continues", lambda _self, _event: True)


def no_closing(patch: pytest.MonkeyPatch) -> None:
    """A takeover, and an end, leave open what the log shows as open."""

    async def nothing(*_args: object) -> ending.Remains:
        return ending.Remains(message=None, steps=[], used=machine.no_usage())

    patch.setattr(ending, "remains", nothing)


def new_ids(patch: pytest.MonkeyPatch) -> None:
    """Every try of a request has ids of its own."""

    def identify(ids: Any, prefix: Any, **fields: Any) -> Any:
        return idempotency.identify(ids, prefix, **{**fields, "key": None})

    patch.setattr(messages, "identify", identify)
    patch.setattr(runs, "identify", identify)


def no_lookup(patch: pytest.MonkeyPatch) -> None:
    """A request judges the thread before it looks for its own run."""

    async def never(*_args: object) -> None:
        return None

    patch.setattr(starting, "started_before", never)


def any_body(patch: pytest.MonkeyPatch) -> None:
    """A key with another body finds the first one's object."""
    patch.setattr(messages, "same_request", lambda *_: None)
    patch.setattr(starting, "same_request", lambda *_: None)


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """A holder goes on as long as its thread has a head."""
    patch.setattr(heads, "fenced", lambda head, **_: head is None)


def same_attempt_on_create(patch: pytest.MonkeyPatch) -> None:
    """Each run begins with the attempt with which the one before ended."""
    taken = heads.taken

    def same(head: Any, *, run_id: str, **fields: Any) -> Any:
        new = taken(head, run_id=run_id, **fields)
        if head.active_run != run_id:
            new.head.attempt = max(1, head.attempt)
        return new

    patch.setattr(heads, "taken", same)


def same_attempt_on_submit(patch: pytest.MonkeyPatch) -> None:
    """A run that gets its outputs goes on in the attempt in which it had asked for them."""
    taken = heads.taken

    def same(head: Any, *, run_id: str, **fields: Any) -> Any:
        new = taken(head, run_id=run_id, **fields)
        if head.active_run == run_id:
            new.head.attempt = head.attempt
        return new

    patch.setattr(heads, "taken", same)


def same_attempt_on_claim(patch: pytest.MonkeyPatch) -> None:
    claimed = heads.claimed

    def same(head: Any, **fields: Any) -> Any:
        new = claimed(head, **fields)
        new.head.attempt = head.attempt
        return new

    patch.setattr(heads, "claimed", same)


def same_attempt_on_the_end_of_the_unheld(patch: pytest.MonkeyPatch) -> None:
    unlocked = heads.unlocked
    patch.setattr(
        heads,
        "unlocked",
        lambda head, last_order, bump=False: unlocked(head, last_order=last_order),
    )


def no_order(patch: pytest.MonkeyPatch) -> None:
    """The order is the machine's time."""
    patch.setattr(heads, "next_order", lambda _head, now: now)


def two_commits_in_flight(patch: pytest.MonkeyPatch) -> None:
    class Open:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *exc: object) -> None: ...

    init = holder.Holder.__init__

    def opened(self: Any, **fields: Any) -> None:
        init(self, **fields)
        self._writing = Open()

    patch.setattr(holder.Holder, "__init__", opened)


def unknown_is_a_conflict(patch: pytest.MonkeyPatch) -> None:
    """A commit whose outcome is unknown is decided anew rather than repeated."""
    attempt = commits._attempt

    async def once(store: Any, commit: Any) -> Any:
        try:
            return await attempt(store, commit)
        except OutcomeUnknown:
            raise Conflict from None

    patch.setattr(commits, "_attempt", once)


def own_success_is_a_conflict(patch: pytest.MonkeyPatch) -> None:
    """After a conflict nobody asks whether the commit itself had happened."""

    async def no(*_args: object) -> bool:
        return False

    patch.setattr(commits, "_happened", no)


def shown_before_durable(patch: pytest.MonkeyPatch) -> None:
    """Every event is shown before its commit."""
    next_head = holder.Holder._next_head

    def shown(self: Any, change: Any, now: int, order: int) -> Any:
        self._feed.show(change.events, logged=True)
        return next_head(self, change, now, order)

    patch.setattr(holder.Holder, "_next_head", shown)


def first_deltas_at_once(patch: pytest.MonkeyPatch) -> None:
    """The first delta of each further content index is shown as any other."""
    show = writer.TurnWriter._show

    async def at_once(self: Any, event: Any, *, first: bool) -> None:
        await show(self, event, first=first and bool(self._opening))

    patch.setattr(writer.TurnWriter, "_show", at_once)


def deltas_after_the_end(patch: pytest.MonkeyPatch) -> None:
    """A commit does not take along what was shown before it."""
    fit = holder._that_fit
    patch.setattr(holder, "_that_fit", lambda events: fit(events[: len(events) // 2]))


def calls_are_abandoned(patch: pytest.MonkeyPatch) -> None:
    """A takeover fails a step of calls as it does any other, and the model makes new ones."""
    patch.setattr(claiming, "_has_calls", lambda _record: False)


def finished_calls_run_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(calls, "_pending", lambda step: list(calls._calls(step)))


def completed_beats_cancel(patch: pytest.MonkeyPatch) -> None:
    commit = holder.Holder.commit

    async def anyway(self: Any, decide: Any, *, despite_cancel: bool = False) -> None:
        await commit(self, decide, despite_cancel=True)

    patch.setattr(holder.Holder, "commit", anyway)
    for move, after in list(machine.TRANSITIONS.items()):
        if move[0] == machine.IN_PROGRESS:
            patch.setitem(machine.TRANSITIONS, (machine.CANCELLING, move[1]), after)


def every_claim_counts(patch: pytest.MonkeyPatch) -> None:
    """The retry budget counts claims of runs that nobody held, too: new ones, and those handed over."""
    claimed = heads.claimed

    def counted(head: Any, **fields: Any) -> Any:
        new = claimed(head, **fields)
        new.head.takeovers = head.takeovers + 1
        return new

    patch.setattr(heads, "claimed", counted)


def hand_overs_count(patch: pytest.MonkeyPatch) -> None:
    """A core that stops on purpose uses up the retry budget of its runs."""
    handed_over = heads.handed_over

    def counted(head: Any, **fields: Any) -> Any:
        new = handed_over(head, **fields)
        new.head.takeovers = head.takeovers + 1
        return new

    patch.setattr(heads, "handed_over", counted)


def nothing_is_handed_over(patch: pytest.MonkeyPatch) -> None:
    """A core that stops leaves its runs until their leases end."""
    patch.setattr(executor.Executor, "drain", lambda _self: None)


def waiting_runs_are_not_due(patch: pytest.MonkeyPatch) -> None:
    waiting = heads.waiting
    patch.setattr(
        heads, "waiting", lambda head, **f: heads.NewHead(head=waiting(head, **f).head, due=None)
    )


def runs_stay_where_they_were_listed(patch: pytest.MonkeyPatch) -> None:
    run_labels = tables.run_labels

    def old(state: Any, assistant_id: str) -> Any:
        before = type(state)()
        before.CopyFrom(state)
        before.run.status = machine.QUEUED
        return run_labels(before, assistant_id)

    patch.setattr(tables, "run_labels", old)


def messages_are_not_listed_by_run(patch: pytest.MonkeyPatch) -> None:
    put = ending.put_message
    patch.setattr(ending, "put_message", lambda *args: put(*args)[:1])


def keys_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A deleted message leaves nothing behind, so its key makes it again."""

    async def never(*_args: object, **_fields: object) -> None:
        return None

    patch.setattr(tables.gone, "get", never)


def stale_heads(patch: pytest.MonkeyPatch) -> None:
    """A request is refused by a head that may lag."""
    get = tables.heads.get

    async def stale(store: Any, partition: Any, id: str, *, fresh: bool = False) -> Any:
        return await get(store, partition, id, fresh=False)

    patch.setattr(tables.heads, "get", stale)


def dropped_logs_end_nothing(patch: pytest.MonkeyPatch) -> None:
    """A reader is told nothing of a run whose log was dropped."""
    patch.setattr(tail.Tail, "_terminal", lambda *_: [])


def creations_are_purged_at_once(patch: pytest.MonkeyPatch) -> None:
    """The purge of an unfinished creation does not stop whoever is still creating."""

    async def no(_store: Any, _clock: Any, head: Any) -> Any:
        return head

    patch.setattr(purge, "_fence", no)


def wrong_outputs_are_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(submitting, "check_ids", lambda *_: None)


def deleted_threads_are_not_fenced(patch: pytest.MonkeyPatch) -> None:
    """A tombstone neither raises the attempt nor stops a holder."""

    def tombstone(head: Any, *, now: int) -> Any:
        after = type(head)()
        after.CopyFrom(head)
        after.tombstone = True
        return heads.NewHead(head=after, due=now)

    def fenced(head: Any, *, run_id: str, attempt: int) -> bool:
        return head is None or head.active_run != run_id or head.attempt != attempt

    patch.setattr(heads, "tombstone", tombstone)
    patch.setattr(heads, "fenced", fenced)


# With a seed that is known to break: the first that is tried.
ABLATIONS: dict[Ablation, int] = {
    no_contiguity: 0,
    no_closing: 30,
    new_ids: 30,
    no_lookup: 61,
    any_body: 9,
    no_fence: 21,
    same_attempt_on_create: 0,
    same_attempt_on_submit: 5,
    same_attempt_on_claim: 21,
    same_attempt_on_the_end_of_the_unheld: 12,
    no_order: 8,
    two_commits_in_flight: 11,
    unknown_is_a_conflict: 7,
    own_success_is_a_conflict: 19,
    shown_before_durable: 1,
    first_deltas_at_once: 399,
    deltas_after_the_end: 1,
    calls_are_abandoned: 26,
    finished_calls_run_again: 141,
    completed_beats_cancel: 71,
    every_claim_counts: 1,
    hand_overs_count: 9,
    nothing_is_handed_over: 11,
    waiting_runs_are_not_due: 97,
    runs_stay_where_they_were_listed: 47,
    messages_are_not_listed_by_run: 8,
    keys_are_forgotten: 69,
    stale_heads: 0,
    dropped_logs_end_nothing: 7,
    creations_are_purged_at_once: 197,
    wrong_outputs_are_taken: 20,
    deleted_threads_are_not_fenced: 57,
}
