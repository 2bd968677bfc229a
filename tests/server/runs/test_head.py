"""How each kind of commit changes a thread's head, and when it is due afterwards."""

from __future__ import annotations

import pytest

from understudy_server.clock import SECOND
from understudy_server.runs import head as heads
from understudy_server.store.v1.records_pb2 import Head

NOW = 1_000_000_000
HELD = Head(
    active_run="run_1", attempt=5, holder="a", lease_until=NOW - 1, last_order=7, takeovers=1
)
WAITING = Head(active_run="run_1", attempt=5, last_order=7, takeovers=1)
FREE = Head(attempt=5, last_order=7)
LEASE_END = NOW + heads.LEASE


def _changed(head: Head, **fields: object) -> Head:
    after = Head()
    after.CopyFrom(head)
    for name, value in fields.items():
        setattr(after, name, value)
    return after


@pytest.mark.parametrize(
    ("made", "expected", "due"),
    [
        pytest.param(heads.fresh(now=NOW, last_order=3), Head(last_order=3), None, id="new thread"),
        pytest.param(
            heads.fresh(now=NOW, last_order=3, staged=True),
            Head(last_order=3, staged=True),
            NOW + heads.STAGE_LIMIT,
            id="staged",
        ),
        pytest.param(
            heads.extended(FREE, 12, 8), _changed(FREE, last_order=8), 12, id="something added"
        ),
        pytest.param(
            heads.taken(FREE, run_id="run_2", core="b", now=NOW, last_order=9),
            Head(active_run="run_2", attempt=6, holder="b", lease_until=LEASE_END, last_order=9),
            LEASE_END,
            id="run created, begun at once",
        ),
        pytest.param(
            heads.taken(FREE, run_id="run_2", core=None, now=NOW, last_order=9),
            Head(active_run="run_2", attempt=6, last_order=9),
            NOW,
            id="run created, for whoever has room",
        ),
        pytest.param(
            heads.taken(WAITING, run_id="run_1", core="b", now=NOW, last_order=9),
            Head(
                active_run="run_1",
                attempt=6,
                holder="b",
                lease_until=LEASE_END,
                last_order=9,
                takeovers=1,
            ),
            LEASE_END,
            id="outputs submitted: the count of deaths stays",
        ),
        pytest.param(
            heads.claimed(HELD, core="b", now=NOW),
            _changed(
                HELD, attempt=6, holder="b", lease_until=LEASE_END, last_order=NOW, takeovers=2
            ),
            LEASE_END,
            id="taken over from a dead holder",
        ),
        pytest.param(
            heads.claimed(WAITING, core="b", now=NOW),
            _changed(WAITING, attempt=6, holder="b", lease_until=LEASE_END, last_order=NOW),
            LEASE_END,
            id="claimed from nobody: costs nothing",
        ),
        pytest.param(
            heads.held(HELD, now=NOW, last_order=9),
            _changed(HELD, lease_until=LEASE_END, last_order=9),
            LEASE_END,
            id="the holder goes on",
        ),
        pytest.param(
            heads.waiting(HELD, last_order=9, until=600),
            _changed(HELD, holder="", lease_until=0, last_order=9),
            600 * SECOND,
            id="waits for outputs until it expires",
        ),
        pytest.param(
            heads.handed_over(HELD, now=NOW, last_order=9),
            _changed(HELD, holder="", lease_until=0, last_order=9),
            NOW,
            id="handed over",
        ),
        pytest.param(
            heads.unlocked(HELD, last_order=9), Head(attempt=5, last_order=9), None, id="ended"
        ),
        pytest.param(
            heads.unlocked(WAITING, last_order=9, bump=True),
            Head(attempt=6, last_order=9),
            None,
            id="claimed and ended in one commit",
        ),
        pytest.param(
            heads.tombstone(HELD, now=NOW),
            _changed(HELD, attempt=6, tombstone=True),
            NOW,
            id="deleted",
        ),
    ],
)
def test_table(made: heads.NewHead, expected: Head, due: int | None) -> None:
    assert made.head == expected
    assert made.due == due
    assert made.put("v").expected == "v"


@pytest.mark.parametrize(
    ("head", "fenced"),
    [
        (HELD, False),
        (None, True),
        (_changed(HELD, tombstone=True), True),
        (_changed(HELD, active_run="run_2"), True),
        (_changed(HELD, active_run=""), True),
        (_changed(HELD, attempt=6), True),
        (_changed(HELD, attempt=4), True),
        (_changed(HELD, last_order=99), False),
    ],
)
def test_the_fence(head: Head | None, fenced: bool) -> None:
    assert heads.fenced(head, run_id="run_1", attempt=5) is fenced


OLD = [(run, attempt) for run in ("run_1", "run_2") for attempt in range(6)]
"""Whoever may still believe to hold a run of this thread, up to its fifth attempt."""


@pytest.mark.parametrize(("run", "attempt"), OLD)
@pytest.mark.parametrize("core", ["b", None])
@pytest.mark.parametrize("rise", [True, False])
def test_a_new_run_fences_every_holder_before_it(
    run: str, attempt: int, core: str | None, rise: bool
) -> None:
    """By its id, which no other run ever has; that its attempt rises as well is one fence more."""
    head = heads.taken(FREE, run_id="run_3", core=core, now=NOW, last_order=9).head
    if not rise:
        head.attempt = FREE.attempt
    assert heads.fenced(head, run_id=run, attempt=attempt)


@pytest.mark.parametrize("attempt", range(6))
@pytest.mark.parametrize("core", ["b", None])
def test_outputs_fence_the_holder_that_had_asked_for_them(attempt: int, core: str | None) -> None:
    """By the attempt alone: the run is the same."""
    head = heads.taken(WAITING, run_id="run_1", core=core, now=NOW, last_order=9).head
    assert heads.fenced(head, run_id="run_1", attempt=attempt)
    head.attempt = WAITING.attempt
    assert heads.fenced(head, run_id="run_1", attempt=attempt) is (attempt != WAITING.attempt)


@pytest.mark.parametrize(
    ("last", "now", "expected"), [(7, 5, 8), (7, 8, 8), (7, 90, 90), (7, 7, 8)]
)
def test_orders_only_rise(last: int, now: int, expected: int) -> None:
    assert heads.next_order(Head(last_order=last), now) == expected


@pytest.mark.parametrize(
    ("head", "exists"),
    [(None, False), (FREE, True), (Head(staged=True), False), (Head(tombstone=True), False)],
)
def test_which_threads_exist(head: Head | None, exists: bool) -> None:
    assert heads.exists(head) is exists
