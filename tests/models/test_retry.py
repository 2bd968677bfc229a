"""The decision table of retries."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.retry import RetryPolicy, retry_delay

POLICY = RetryPolicy()


def refused(status: int | None = None, **fields: Any) -> UpstreamFailure:
    return UpstreamFailure(kind="refused", status=status, **fields)


@pytest.mark.parametrize(
    ("failure", "delay"),
    [
        (UpstreamFailure(kind="unreachable"), 0.5),
        (UpstreamFailure(kind="dropped"), 0.5),
        (UpstreamFailure(kind="stalled"), None),
        (UpstreamFailure(kind="malformed"), None),
        (refused(400), None),
        (refused(401), None),
        (refused(403), None),
        (refused(404), None),
        (refused(408), 0.5),
        (refused(409), 0.5),
        (refused(422), None),
        (refused(429), 0.5),
        (refused(429, retry_after=0.0), 0.0),
        (refused(429, retry_after=20.0), 20.0),
        (refused(429, retry_after=20.1), None),
        (refused(429, code="insufficient_quota"), None),
        (refused(429, type="insufficient_quota"), None),
        (refused(500), 0.5),
        (refused(503, retry_after=2.0), 2.0),
        (refused(None, code="server_error"), 0.5),
        (refused(None, code="rate_limit_exceeded"), 0.5),
        (refused(None, type="overloaded_error"), 0.5),
        (refused(None, code="invalid_prompt"), None),
        (refused(None), None),
    ],
)
def test_the_first_failure(failure: UpstreamFailure, delay: float | None) -> None:
    assert retry_delay(POLICY, failure, retries_made=0, delivered=False, jitter=0.0) == delay
    assert retry_delay(POLICY, failure, retries_made=0, delivered=True, jitter=0.0) is None
    assert retry_delay(POLICY, failure, retries_made=2, delivered=False, jitter=0.0) is None


@pytest.mark.parametrize(
    ("retries_made", "jitter", "delay"),
    [(0, 0.0, 0.5), (0, 0.5, 0.375), (1, 0.0, 1.0), (2, 0.0, 2.0), (4, 0.0, 8.0), (9, 0.0, 8.0)],
)
def test_the_delay_doubles_up_to_a_limit(retries_made: int, jitter: float, delay: float) -> None:
    policy = RetryPolicy(max_retries=10)
    found = retry_delay(
        policy, refused(500), retries_made=retries_made, delivered=False, jitter=jitter
    )
    assert found == delay


def test_no_retries_when_none_are_wanted() -> None:
    policy = RetryPolicy(max_retries=0)
    assert retry_delay(policy, refused(500), retries_made=0, delivered=False, jitter=0.0) is None
