"""Waiting for a server that a test has started."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds for a server to start, on however slow a machine."""


def wait_until(true: Callable[[], bool], *, unless: Callable[[], bool] = lambda: False) -> None:
    """Raises ``AssertionError`` when it does not come true, or when ``unless`` does."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert not unless(), "the server ended"
        assert time.monotonic() < end, "the server is not ready"
        time.sleep(0.01)
