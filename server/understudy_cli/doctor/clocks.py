"""Whether this machine knows what time it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from understudy_cli.doctor.finding import Finding

_TOLERANCE = 30.0
"""Seconds. An HTTP date is whole seconds old, and a slow answer some more."""
_ADVICE = "set the clock, or turn time synchronisation on"


def judge(now: int, *, newest: int | None, offsets: Mapping[str, float]) -> Finding:
    """``now`` and ``newest``: microseconds since the epoch; ``offsets``: seconds, by provider."""
    shown = datetime.fromtimestamp(now / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if newest is not None and newest / 1e6 > now / 1e6 + _TOLERANCE:
        seconds = (newest - now) / 1e6
        return Finding(
            "warn",
            "clock",
            f"{shown}, but the store has a record from {seconds:.0f} s later: {_ADVICE}",
        )
    for provider, offset in offsets.items():
        if abs(offset) > _TOLERANCE:
            side = "behind" if offset > 0 else "ahead of"
            return Finding(
                "warn",
                "clock",
                f"{shown} is {abs(offset):.0f} s {side} the clock of {provider}: {_ADVICE}",
            )
    agreed = f"; agrees with {', '.join(offsets)}" if offsets else ""
    return Finding("ok", "clock", f"{shown}{agreed}")
