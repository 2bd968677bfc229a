"""What the rooms of a run ask of the limits of keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from understudy_server.limits.key_limits import KeyLimits


class Slots(Protocol):
    """Runs at a time, and tokens per day, of keys."""

    def slot(
        self, budget: str, limits: KeyLimits, *, project: str, thread_id: str, run_id: str
    ) -> AbstractAsyncContextManager[None]:
        """Within it the run is created; a run that is refused there leaves no slot behind.

        Raises ``TokenLimit``, ``RequestLimit`` and ``StoreError``.
        """
        ...

    def ended(self, budget: str, run_id: str) -> None:
        """Somebody is done with the run: its slot is freed, soon, if it has ended. Nothing for an empty budget."""
        ...

    async def count(self, budget: str, run_id: str) -> None:
        """As ``ended``, but done when it returns: the run's records are about to go. Raises ``StoreError``."""
        ...


class NoSlots:
    """For a core that has no keys, or none with limits."""

    @asynccontextmanager
    async def slot(
        self, budget: str, limits: KeyLimits, *, project: str, thread_id: str, run_id: str
    ) -> AsyncIterator[None]:
        del budget, limits, project, thread_id, run_id
        yield

    def ended(self, budget: str, run_id: str) -> None:
        del budget, run_id

    async def count(self, budget: str, run_id: str) -> None:
        del budget, run_id
