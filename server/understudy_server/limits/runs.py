"""Runs at a time and tokens per day: each run of a key with such limits has a slot as long as it lives.

A slot is a record beside the key's count of them. It is put, in one commit with the count, before the run is; it is
deleted, in one commit with the count and the run's tokens, after the run has ended. So the count is exact, requests at
one moment on several cores exceed no limit, and a run's tokens count once, whoever counts them and however often.
(Counting the project's live runs in the directory would need no slots; but a directory may lag, and two cores that
count at one moment would both find room.)

Nobody has to survive for a slot to be freed: who ends a run frees it at once; if that core died, the slot is due
within a minute, and whichever core finds it due looks at the run itself (``fate``). A key whose slots are all taken
looks as well.

Two requests for one run (one idempotency key) share its slot, and the one that took it may give it up while the other
begins the run. So who begins a run with a slot that it did not take itself puts it once more: whoever is about to free
it meets a conflict, and looks at the run again.

Tokens are known when a run has ended, so the runs that are under way when the last token is used go beyond the limit,
by what they use. A model call that is broken off, because somebody cancels the run or deletes its thread, is not
counted, since nobody tells what it used; the calls of that run before it are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import structlog

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict, DomainError, RequestLimit, StoreError, TokenLimit
from understudy_server.limits import windows, words
from understudy_server.limits.fate import tokens_if_over
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.records import (
    ONLY,
    budget_of,
    budget_partition,
    run_budgets,
    run_slots,
)
from understudy_server.store import tables
from understudy_server.store.commits import after_conflict, commit_new
from understudy_server.store.port import Operation, Partition, Record, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import RunBudget, RunSlot

LOOK = 60 * SECOND
"""Microseconds after which a slot is looked at by whoever finds it due."""

RETRY_RUNS = 1.0
"""Seconds after which a run that found no slot may be tried again."""

KNOWN_FOR = 10.0
"""Seconds for which a core takes its knowledge of a key's tokens for good, in headers."""

_LOOKED_AT = 20
"""The oldest slots, which are looked at when all are taken ..."""

_LOOK_AGAIN = 1.0
"""... not more often than after so many seconds."""

_CLOSING = 2.0
"""Seconds for what was begun when the core stops."""

_PAUSE = 0.002


@dataclass(slots=True)
class _Known:
    """What this core knows of one budget; ``at`` by its monotonic clock."""

    budget: RunBudget
    at: float


class RunBudgets:
    """The slots of all keys, as this core sees and changes them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._known: dict[str, _Known] = {}
        self._looked: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger().bind(component="limits")

    @asynccontextmanager
    async def slot(
        self, budget: str, limits: KeyLimits, *, project: str, thread_id: str, run_id: str
    ) -> AsyncIterator[None]:
        """Within it the run is created; a run that is refused there leaves no slot behind.

        Raises ``TokenLimit``, ``RequestLimit`` and ``StoreError``. A slot that the run has already is the one.
        """
        if not limits.counts_runs:
            yield
            return
        slot = RunSlot(project=project, thread_id=thread_id, taken_at=self._store.now())
        taken = await self._take(budget, limits, run_id, slot)
        try:
            yield
        except StoreError:
            # It may have begun all the same: when the slot is due, that shows.
            raise
        except DomainError:
            if taken:
                given_up = partial(self.count, budget, run_id, given_up=True)
                self._spawn(self._quietly(run_id, given_up))
            raise
        if not taken:
            self._spawn(self._quietly(run_id, partial(self._keep_slot, budget, run_id, slot)))

    def ended(self, budget: str, run_id: str) -> None:
        """Somebody is done with the run: its slot is freed, soon, if it has ended. Nothing for an empty budget."""
        if budget:
            self._spawn(self._quietly(run_id, partial(self.count, budget, run_id)))

    async def count(self, budget: str, run_id: str, *, given_up: bool = False) -> None:
        """As ``ended``, but done when it returns. Raises ``StoreError``.

        ``given_up``: whoever took the slot says that the run will not come.
        """
        row = await run_slots.get(self._store, budget_partition(budget), run_id, fresh=True)
        if row is not None:
            await self._free(budget, row, given_up=given_up)

    async def attend(self, record: Record) -> bool:
        """A slot that is due. Raises ``StoreError``."""
        row = run_slots.parse(record)
        if await self._free(budget_of(record.partition), row):
            return True
        later = [_put_again(row, self._store.now())]
        await commit_new(self._store, record.partition, later, self._clock)
        return True

    async def tokens(self, budget: str) -> int:
        """The tokens that were used today, as this core knows. Raises ``StoreError``."""
        known = self._known.get(budget)
        if known is None or self._clock.monotonic() - known.at >= KNOWN_FOR:
            row = await run_budgets.get(self._store, budget_partition(budget), ONLY)
            known = self._keep(budget, row.body if row else RunBudget())
        return today(known.budget, self._store.now()).tokens

    async def close(self) -> None:
        """Finishes what was begun, for a while; a slot that is not freed stays due."""
        timer = asyncio.create_task(self._clock.sleep(_CLOSING))
        while self._tasks and not timer.done():
            await asyncio.wait({timer, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        left = [timer, *self._tasks]
        for task in left:
            task.cancel()
        await asyncio.wait(left)

    async def _take(self, budget: str, limits: KeyLimits, run_id: str, slot: RunSlot) -> bool:
        """Whether the run has its slot by this call, rather than had it before."""
        partition = budget_partition(budget)
        async with self._locks.setdefault(budget, asyncio.Lock()):
            for attempt in count(1):
                # The count first: where it is still the same when it is put, no slot has come or gone since.
                row = await run_budgets.get(self._store, partition, ONLY, fresh=True)
                if await self._has_slot_or_began(partition, run_id, slot):
                    return False
                now = self._store.now()
                body = today(row.body if row else RunBudget(), now)
                self._keep(budget, body)
                try:
                    self._judge(body, limits, slot.project, now)
                except RequestLimit:
                    if not await self._free_ended(budget):
                        raise
                    continue
                operations = _taking(row, body, run_id, slot, now)
                try:
                    await commit_new(self._store, partition, operations, self._clock)
                except Conflict:
                    await after_conflict(self._clock, attempt, _PAUSE)
                else:
                    self._keep(budget, body)
                    return True
        raise AssertionError("unreachable: it is tried again after every conflict")

    async def _has_slot_or_began(self, partition: Partition, run_id: str, slot: RunSlot) -> bool:
        """A run that began and has no slot any more is counted, or who began it puts its slot again."""
        if await run_slots.get(self._store, partition, run_id, fresh=True) is not None:
            return True
        thread = tables.thread_partition(slot.project, slot.thread_id)
        return await tables.runs.get(self._store, thread, run_id, fresh=True) is not None

    def _judge(self, body: RunBudget, limits: KeyLimits, project: str, now: int) -> None:
        if 0 < limits.tokens_per_day <= body.tokens:
            wait = windows.left_in(body.day, windows.DAY, now)
            message = words.tokens_used_up(project, limits.tokens_per_day, body.tokens, wait)
            raise TokenLimit(message, retry_after=wait)
        if 0 < limits.concurrent_runs <= body.runs:
            message = words.runs_used_up(project, limits.concurrent_runs, body.runs, RETRY_RUNS)
            raise RequestLimit(message, retry_after=RETRY_RUNS)

    async def _free_ended(self, budget: str) -> bool:
        """Whether one of the oldest slots could be freed."""
        now = self._clock.monotonic()
        if now - self._looked.get(budget, -_LOOK_AGAIN) < _LOOK_AGAIN:
            return False
        self._looked[budget] = now
        rows = await run_slots.list(self._store, budget_partition(budget), limit=_LOOKED_AT)
        return any([await self._free(budget, row) for row in rows])

    async def _quietly(self, run_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Nobody waits for it. A slot that cannot be freed now stays due."""
        try:
            await work()
        except StoreError as error:
            self._log.info("slot_left", run_id=run_id, reason=error.message)
        except Exception:  # noqa: BLE001  # a bug here must end nothing else
            self._log.exception("slot_failed", run_id=run_id)

    async def _free(self, budget: str, slot: Row[RunSlot], *, given_up: bool = False) -> bool:
        """Frees the slot and counts its run's tokens, unless that lives. Whether the slot is gone."""
        partition = budget_partition(budget)
        for attempt in count(1):
            used = await tokens_if_over(self._store, slot.id, slot.body, given_up=given_up)
            if used is None:
                return False
            row = await run_budgets.get(self._store, partition, ONLY, fresh=True)
            body = today(row.body if row else RunBudget(), self._store.now())
            body.runs = max(0, body.runs - 1)
            body.tokens += used
            try:
                operations = [_put(row, body), run_slots.delete(slot)]
                await commit_new(self._store, partition, operations, self._clock)
            except Conflict:
                again = await run_slots.get(self._store, partition, slot.id, fresh=True)
                if again is None:
                    return True
                slot = again
                await after_conflict(self._clock, attempt, _PAUSE)
            else:
                self._keep(budget, body)
                return True
        raise AssertionError("unreachable: it is tried again after every conflict")

    async def _keep_slot(self, budget: str, run_id: str, slot: RunSlot) -> None:
        """The run has begun with a slot that another request took, and may be giving up: it stays, or is put again."""
        partition = budget_partition(budget)
        for attempt in count(1):
            # The count first, as in ``_take``.
            row = await run_budgets.get(self._store, partition, ONLY, fresh=True)
            found = await run_slots.get(self._store, partition, run_id, fresh=True)
            now = self._store.now()
            if found is not None:
                operations = [_put_again(found, now)]
            elif await tokens_if_over(self._store, run_id, slot) is None:
                body = today(row.body if row else RunBudget(), now)
                operations = _taking(row, body, run_id, slot, now)
            else:
                return
            try:
                await commit_new(self._store, partition, operations, self._clock)
            except Conflict:
                await after_conflict(self._clock, attempt, _PAUSE)
            else:
                return

    def _keep(self, budget: str, body: RunBudget) -> _Known:
        known = self._known[budget] = _Known(body, self._clock.monotonic())
        return known

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def today(body: RunBudget, now: int) -> RunBudget:
    """A copy, with the tokens of the day of ``now``; a core whose clock is ahead may have begun the next one."""
    own = windows.number(now, windows.DAY)
    day = body.day if own < body.day <= own + 1 else own
    return RunBudget(runs=body.runs, day=day, tokens=body.tokens if day == body.day else 0)


def _put(row: Row[RunBudget] | None, body: RunBudget) -> Operation:
    return run_budgets.put(ONLY, body, expected=None if row is None else row.version, order=0)


def _taking(
    row: Row[RunBudget] | None, body: RunBudget, run_id: str, slot: RunSlot, now: int
) -> list[Operation]:
    """One more run in ``body``, what is counted by now, and its slot."""
    body.runs += 1
    new = run_slots.put(run_id, slot, expected=None, order=now, due=now + LOOK)
    return [_put(row, body), new]


def _put_again(slot: Row[RunSlot], now: int) -> Operation:
    """As it is, to be looked at later."""
    return run_slots.put(
        slot.id, slot.body, expected=slot.version, order=slot.order, due=now + LOOK
    )
