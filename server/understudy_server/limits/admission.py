"""At the start of every call: whether the key may make one more, and what its answer tells about its limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from understudy_server.auth.principal import Principal
from understudy_server.clock import Clock
from understudy_server.errors import RequestLimit
from understudy_server.limits import headers, windows, words
from understudy_server.limits.requests import RequestSlices
from understudy_server.limits.runs import RunBudgets
from understudy_server.store.port import Store

SWEEP = 1.0
"""Seconds between two looks for slices to be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    pairs: headers.Pairs = ()
    """For the answer, be it a refusal."""
    refusal: RequestLimit | None = None


_UNLIMITED = Admitted()


class Admission:
    """A key without limits passes without a word to the store. ``start`` and ``stop`` bracket its life."""

    def __init__(self, store: Store, clock: Clock, runs: RunBudgets) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._requests = RequestSlices(store, clock)
        self._taken = asyncio.Event()
        self._sweeping: asyncio.Task[None] | None = None

    async def admit(self, principal: Principal) -> Admitted:
        """Counts the call. Raises ``StoreError``."""
        limits = principal.limits
        if not limits.requests_per_minute and not limits.tokens_per_day:
            return _UNLIMITED
        pairs: headers.Pairs = ()
        refusal = None
        if limits.requests_per_minute:
            limit = limits.requests_per_minute
            self._taken.set()
            standing = await self._requests.take(principal.budget, limit)
            pairs += headers.pairs(
                "requests", limit=limit, left=standing.left, reset=standing.reset
            )
            if not standing.granted:
                wait = max(standing.reset, 0.001)
                message = words.requests_used_up(principal.project, limit, wait)
                refusal = RequestLimit(message, retry_after=wait)
        if limits.tokens_per_day:
            limit = limits.tokens_per_day
            left = limit - await self._runs.tokens(principal.budget)
            now = self._store.now()
            reset = windows.left_in(windows.number(now, windows.DAY), windows.DAY, now)
            pairs += headers.pairs("tokens", limit=limit, left=left, reset=reset)
        return Admitted(pairs=pairs, refusal=refusal)

    def start(self) -> None:
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Gives back what is left."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])
        await self._requests.give_back(idle=0)

    async def _sweep(self) -> None:
        while True:
            await self._taken.wait()
            self._taken.clear()
            while self._requests.holds:
                await self._clock.sleep(SWEEP)
                await self._requests.give_back()
