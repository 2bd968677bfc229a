"""Requests per minute, counted over all cores without asking the store for each.

A core is granted a slice of a key's minute (one record for each key, which every grant puts with the version that it
read) and serves from it out of its memory. What it has not used after some seconds of silence it gives back.

How exact that is. Over the limit: never by this; all grants of one minute together are at most the limit, and only what
was granted is served. Which minute it is, each core tells by its estimate of the store's clock: around the end of a
minute cores may differ by the error of that. Under the limit: a slice that a core holds cannot be used by others, for
``IDLE`` after its last request at most, and until the minute ends if that core died or lost its store. A slice is a
twentieth of the limit (``windows.slice_size``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import structlog

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict, StoreError
from understudy_server.limits import windows
from understudy_server.limits.records import ONLY, budget_partition, request_budgets
from understudy_server.store.commits import after_conflict, settle
from understudy_server.store.port import Commit, Store
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import RequestBudget

IDLE = 5 * SECOND
"""Microseconds without a request after which a slice is given back."""

LOOK_AGAIN = SECOND
"""Microseconds between two looks for requests that others have given back, once a minute is used up."""

_PAUSE = 0.002
"""Seconds after a conflict; grows with each, up to fifty times this."""

_PATIENCE = 3.0
"""Seconds for which a request waits for a store that does not take the grant."""

_FORGET = 2 * windows.MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one request was answered, and how it stands with the key's minute."""

    granted: bool
    left: int
    """Requests that this core knows to be left."""
    reset: float
    """Seconds until the minute ends."""


@dataclass(slots=True)
class _Hand:
    """What this core holds of one key's minute."""

    minute: int = -1
    held: int = 0
    granted: int = 0
    """To all cores, as of the last time the store was asked."""
    used_at: int = 0
    refused_at: int = -LOOK_AGAIN
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def turn(self, minute: int) -> None:
        """What is held of an earlier minute is worth nothing."""
        if minute != self.minute:
            self.minute, self.held, self.granted = minute, 0, 0
            self.refused_at = -LOOK_AGAIN

    def serve(self, now: int) -> bool:
        self.turn(windows.minute(now, self.minute))
        self.used_at = now
        if not self.held:
            return False
        self.held -= 1
        return True


class RequestSlices:
    """This core's slices. ``give_back`` is to be called every second or so while ``holds``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._hands: dict[str, _Hand] = {}
        self._log = structlog.get_logger().bind(component="limits")

    @property
    def holds(self) -> bool:
        """Whether there is anything that may have to be given back or forgotten."""
        return bool(self._hands)

    async def take(self, budget: str, limit: int) -> Standing:
        """One request. Raises ``StoreError`` when a slice is needed and the store does not answer."""
        hand = self._hands.setdefault(budget, _Hand())
        if hand.serve(self._store.now()):
            return self._standing(hand, limit, granted=True)
        async with hand.lock:
            while not hand.serve(now := self._store.now()):
                if now - hand.refused_at < LOOK_AGAIN or not await self._ask(budget, limit, hand):
                    return self._standing(hand, limit, granted=False)
            return self._standing(hand, limit, granted=True)

    async def give_back(self, *, idle: int = IDLE) -> None:
        """Returns to the store what no request has asked for in ``idle`` microseconds."""
        now = self._store.now()
        for budget, hand in list(self._hands.items()):
            if now - hand.used_at >= _FORGET and not hand.lock.locked():
                del self._hands[budget]
            elif hand.held and now - hand.used_at >= idle:
                try:
                    await self._return(budget, hand)
                except StoreError as error:
                    self._log.info("slice_lost", reason=error.message)
                except Exception:  # noqa: BLE001  # a bug must not end this for all keys
                    self._log.exception("slice_lost")

    async def _ask(self, budget: str, limit: int, hand: _Hand) -> bool:
        """Whether another slice was granted."""
        for attempt in count(1):
            row = await self._read(budget)
            now = self._store.now()
            hand.turn(windows.minute(now, max(hand.minute, row.body.minute if row else -1)))
            granted = row.body.granted if row and row.body.minute == hand.minute else 0
            hand.granted = granted
            size = windows.slice_size(limit, granted)
            if not size:
                hand.refused_at = now
                return False
            minute = hand.minute
            try:
                # Repeated until it is known: a grant that was not seen to happen is one that nobody uses.
                commit = _commit(budget, row, minute, granted + size)
                await settle(self._store, commit, self._clock, patience=_PATIENCE)
            except Conflict:
                await after_conflict(self._clock, attempt, _PAUSE)
                continue
            # The minute may have ended while the store was asked.
            if hand.minute == minute:
                hand.held += size
                hand.granted = granted + size
            return True
        raise AssertionError("unreachable: it is tried again after every conflict")

    async def _return(self, budget: str, hand: _Hand) -> None:
        async with hand.lock:
            # Out of hand first: a request that comes now must not use what the store hands to others.
            size, hand.held = hand.held, 0
            # Kept, since a request that waits for the lock may have turned the hand to the next minute.
            minute = hand.minute
            for attempt in count(1):
                row = await self._read(budget)
                if row is None or row.body.minute != minute:
                    return
                granted = max(0, row.body.granted - size)
                try:
                    # Tried once: where it is not known whether it happened, a repeat could give back twice.
                    await self._store.commit(_commit(budget, row, minute, granted))
                except Conflict:
                    await after_conflict(self._clock, attempt, _PAUSE)
                    continue
                if hand.minute == minute:
                    hand.granted = granted
                return

    async def _read(self, budget: str) -> Row[RequestBudget] | None:
        return await request_budgets.get(self._store, budget_partition(budget), ONLY, fresh=True)

    def _standing(self, hand: _Hand, limit: int, *, granted: bool) -> Standing:
        reset = windows.left_in(hand.minute, windows.MINUTE, self._store.now())
        left = max(0, limit - hand.granted) + hand.held
        return Standing(granted=granted, left=left if granted else 0, reset=reset)


def _commit(budget: str, row: Row[RequestBudget] | None, minute: int, granted: int) -> Commit:
    put = request_budgets.put(
        ONLY,
        RequestBudget(minute=minute, granted=granted),
        expected=None if row is None else row.version,
        order=0,
    )
    return Commit(id=uuid4().hex, partition=budget_partition(budget), operations=(put,))
