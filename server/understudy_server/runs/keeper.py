"""What goes on beside a worker's work: logging what was shown, renewing the lease, looking for a cancel."""

from __future__ import annotations

import asyncio

from understudy_server.clock import Clock
from understudy_server.errors import StoreUnavailable
from understudy_server.runs.holder import Holder

FLUSH_AFTER = 0.1
"""Seconds for which shown deltas are gathered, so that neighbours share a record of the log."""


class Keeper:
    """Child tasks of the worker, which has to stir them: a worker that stands still renews no lease."""

    def __init__(self, holder: Holder, clock: Clock) -> None:
        self._holder = holder
        self._clock = clock
        self._looking = asyncio.Event()
        self._writing = asyncio.Event()

    def look(self) -> None:
        """Something in the thread may have changed: somebody may have asked to cancel."""
        self._looking.set()

    def stir(self) -> None:
        """Events may have been shown, or the lease may have to be renewed."""
        if self._holder.beat_in <= 0:
            self._looking.set()
            self._writing.set()
        elif self._holder.shown:
            self._writing.set()

    async def run_looks(self) -> None:
        """Never returns; raises ``Lost`` and ``CancelRequested``."""
        while True:
            await self._looking.wait()
            self._looking.clear()
            try:
                await self._holder.refresh()
            except StoreUnavailable:
                # Only a look: the next commit, or the next beat, learns the same.
                continue

    async def run_writes(self) -> None:
        """Never returns; raises what ``Holder.commit`` does."""
        while True:
            await self._writing.wait()
            self._writing.clear()
            if self._holder.beat_in > 0:
                await self._clock.sleep(FLUSH_AFTER)
            # What was shown may have gone with a commit of the worker itself.
            if self._holder.shown or self._holder.beat_in <= 0:
                await self._holder.flush()
