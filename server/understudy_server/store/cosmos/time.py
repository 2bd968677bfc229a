"""Cosmos DB's time, from the dates of its answers, told by this machine's monotonic clock.

A date has whole seconds, so one answer leaves a second of doubt (and its round trip). Each answer narrows what the
others left, until the doubt is about as long as a round trip; since clocks drift, it grows again with time. Pure but
for the clock.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from understudy_server.clock import SECOND, Clock

DRIFT = 0.0002
"""By how much two clocks may differ in speed."""


class StoreTime:
    """Until the first ``hear``, what this machine believes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._doubt: tuple[float, float] | None = None
        """The least and the greatest offset from the monotonic clock, in microseconds ..."""
        self._at = 0.0
        """... as was known at this monotonic time, in seconds."""
        self._told = 0

    def now(self) -> int:
        """Microseconds since the epoch. It goes back only when somebody has set a clock."""
        told = self._clock.wall()
        if self._doubt is not None:
            told = round(sum(self._doubt) / 2 + self._clock.monotonic() * SECOND)
        if told < self._told <= told + SECOND:
            # The answers since have left less doubt.
            told = self._told
        self._told = told
        return told

    def hear(self, before: float, after: float, date: str) -> None:
        """An answer with this date was made between the two monotonic times. What is no date is ignored."""
        try:
            told = parsedate_to_datetime(date).timestamp() * SECOND
        except ValueError:
            return
        least, greatest = told - after * SECOND, told + SECOND - before * SECOND
        if self._doubt is not None:
            grown = (after - self._at) * DRIFT * SECOND
            known = (self._doubt[0] - grown, self._doubt[1] + grown)
            # A date that contradicts all earlier ones: somebody set a clock, and what was known is worth nothing.
            if known[0] <= greatest and least <= known[1]:
                least, greatest = max(least, known[0]), min(greatest, known[1])
        self._doubt, self._at = (least, greatest), after
