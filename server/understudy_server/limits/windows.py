"""Minutes and days of the store's time, and the slices in which a minute's requests are handed to cores. Pure.

A minute is a minute of the clock, not the last sixty seconds: what a key may do in one, it may do at its end, and the
same again right after it.
"""

from __future__ import annotations

import math

from understudy_server.clock import SECOND

MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

SLICES = 20
"""Into how many a minute's requests are cut: how often all cores together are granted some, but for what comes back."""

AHEAD = 2
"""Minutes by which another core's idea of the time may be ahead; what is further off is a wrong clock."""


def number(now: int, length: int) -> int:
    """Of the minute or day in which ``now`` lies, since the epoch."""
    return now // length


def minute(now: int, seen: int) -> int:
    """The minute to count in: that of ``now``, or the one a little ahead that a core has counted in already."""
    own = number(now, MINUTE)
    return seen if own < seen <= own + AHEAD else own


def left_in(window: int, length: int, now: int) -> float:
    """Seconds from ``now`` until the window of that number ends."""
    return max(0, (window + 1) * length - now) / SECOND


def slice_size(limit: int, granted: int) -> int:
    """How many requests a core is granted next: a twentieth of the limit, or what is left of it; 0: nothing is."""
    return max(0, min(limit - granted, -(-limit // SLICES)))


def duration(seconds: float) -> str:
    """As in OpenAI's headers: ``6ms``, ``1.5s``, ``1m30s``, ``23h59m1s``. Never less than there is."""
    milliseconds = math.ceil(round(seconds * 1_000, 3))
    if milliseconds < 1_000:
        return f"{max(0, milliseconds)}ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:g}s"
    minutes, rest = divmod(math.ceil(milliseconds / 1_000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
