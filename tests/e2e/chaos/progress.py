"""Faults come when clients have seen so much, not when so much time has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Progress:
    """Counts what clients have seen, and does things at certain counts."""

    def __init__(self) -> None:
        self.seen = 0
        self._planned: list[tuple[int, Callable[[], None]]] = []

    def advance(self) -> None:
        self.seen += 1
        due = [plan for plan in self._planned if plan[0] <= self.seen]
        for plan in due:
            self._planned.remove(plan)
            plan[1]()

    async def strike(self, after: int, do: Callable[[], None]) -> None:
        """Calls ``do`` in the very moment when clients have seen so much more."""
        struck = asyncio.Event()

        def now() -> None:
            do()
            struck.set()

        self._planned.append((self.seen + after, now))
        await struck.wait()
