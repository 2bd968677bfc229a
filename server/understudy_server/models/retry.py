"""When a failed model call is tried again, and after how long. Pure: a table with a delay.

Only a call that delivered nothing is ever repeated: after the first event the reader has seen a
part of an answer that a second call would not continue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from understudy_server.models.failure import UpstreamFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Delays in seconds."""

    max_retries: int = 2
    first_delay: float = 0.5
    longest_delay: float = 8.0
    longest_retry_after: float = 20.0
    """A provider that asks for more patience than this is not waited for."""


_PASSING_STATUS: Final = frozenset({408, 409, 429})
_PASSING_CODES: Final = frozenset({"server_error", "rate_limit_exceeded", "overloaded_error"})


def is_quota(failure: UpstreamFailure) -> bool:
    """A used-up budget is answered with 429 too, but does not pass by waiting."""
    return "insufficient_quota" in (failure.code, failure.type)


def may_pass(failure: UpstreamFailure) -> bool:
    """Whether the same call, made again soon, has a chance.

    A stall is not repeated: it has already used up the time in which a person waits.
    """
    if failure.kind in ("unreachable", "dropped"):
        return True
    if failure.kind != "refused" or is_quota(failure):
        return False
    if failure.status is None:
        return failure.code in _PASSING_CODES or failure.type in _PASSING_CODES
    return failure.status in _PASSING_STATUS or failure.status >= 500


def retry_delay(
    policy: RetryPolicy,
    failure: UpstreamFailure,
    *,
    retries_made: int,
    delivered: bool,
    jitter: float,
) -> float | None:
    """Seconds to wait before the next try; None to give up. ``jitter`` is random, in [0, 1)."""
    if delivered or retries_made >= policy.max_retries or not may_pass(failure):
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= policy.longest_retry_after else None
    ceiling: float = min(policy.longest_delay, policy.first_delay * 2**retries_made)
    return ceiling * (1 - jitter / 2)
