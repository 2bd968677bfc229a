"""What a person who waits is told."""

from __future__ import annotations

from typing import TextIO

from understudy_server.clock import Clock
from understudy_server.store.copying.outcome import Counts

OFTEN, SELDOM = 1.0, 10.0
"""Seconds between lines: so many for ..."""
FRESH = 30.0
"""... that many seconds, then fewer."""


class Progress:
    """A line now and then."""

    def __init__(self, clock: Clock, out: TextIO) -> None:
        self._clock = clock
        self._out = out
        self._doing = ""
        self._start = self._began = self._told = clock.monotonic()

    def __call__(self, doing: str, counts: Counts) -> None:
        now = self._clock.monotonic()
        if doing != self._doing:
            self._doing, self._began = doing, now
        if now - self._told < (OFTEN if now - self._start < FRESH else SELDOM):
            return
        self._told = now
        seconds = now - self._began
        items = counts.records + counts.entries
        speed = f"; {items / seconds:,.0f} records and entries a second" if items else ""
        self._out.write(f"{doing}: {counts}{speed if seconds else ''}\n")
        self._out.flush()
