"""Minutes, days, slices and durations, as tables."""

from __future__ import annotations

import pytest

from understudy_server.clock import SECOND
from understudy_server.limits import windows
from understudy_server.limits.windows import DAY, MINUTE


@pytest.mark.parametrize(
    ("now", "seen", "counted_in"),
    [
        (0, -1, 0),
        (MINUTE - 1, 0, 0),
        (MINUTE, 0, 1),
        # Another core's clock is a little ahead: its minute is the one.
        (10 * MINUTE, 11, 11),
        (10 * MINUTE, 12, 12),
        # So far ahead is no clock to follow.
        (10 * MINUTE, 13, 10),
        (10 * MINUTE, 10_000, 10),
        (10 * MINUTE, 9, 10),
    ],
)
def test_the_minute_to_count_in(now: int, seen: int, counted_in: int) -> None:
    assert windows.minute(now, seen) == counted_in


@pytest.mark.parametrize(
    ("window", "length", "now", "seconds"),
    [
        (0, MINUTE, 0, 60),
        (0, MINUTE, MINUTE - 1, 1e-6),
        (1, MINUTE, MINUTE // 2, 90),
        (0, MINUTE, MINUTE + 5, 0),
        (2, DAY, 2 * DAY + 3 * SECOND, 86_397),
    ],
)
def test_when_a_window_ends(window: int, length: int, now: int, seconds: float) -> None:
    assert windows.left_in(window, length, now) == seconds


@pytest.mark.parametrize(
    ("limit", "granted", "size"),
    [
        (1, 0, 1),
        (1, 1, 0),
        (19, 0, 1),
        (20, 0, 1),
        (21, 0, 2),
        (1_000, 0, 50),
        (1_000, 960, 40),
        (1_000, 1_000, 0),
        # The limit was lowered meanwhile.
        (10, 1_000, 0),
    ],
)
def test_the_next_slice(limit: int, granted: int, size: int) -> None:
    assert windows.slice_size(limit, granted) == size


@pytest.mark.parametrize("limit", [1, 7, 19, 20, 21, 99, 100, 101, 12_345])
def test_a_minute_is_granted_whole_in_at_most_twenty_slices(limit: int) -> None:
    granted = slices = 0
    while size := windows.slice_size(limit, granted):
        granted += size
        slices += 1
    assert granted == limit
    assert slices <= windows.SLICES


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0004, "1ms"),
        (0.006, "6ms"),
        (0.9991, "1s"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9994, "1m0s"),
        (59.999, "59.999s"),
        (60, "1m0s"),
        (89.2, "1m30s"),
        (360, "6m0s"),
        (3_600, "1h0m0s"),
        (86_341, "23h59m1s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert windows.duration(seconds) == text
