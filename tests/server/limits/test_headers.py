"""What answers tell about limits, as a table."""

from __future__ import annotations

from typing import Literal

import pytest

from understudy_server.limits import headers


@pytest.mark.parametrize(
    ("of", "limit", "left", "reset", "values"),
    [
        ("requests", 60, 59, 40.0, ("60", "59", "40s")),
        ("requests", 60, 0, 0.25, ("60", "0", "250ms")),
        # More may have been used than there was.
        ("tokens", 1_000, -300, 3_661.0, ("1000", "0", "1h1m1s")),
    ],
)
def test_pairs(
    of: Literal["requests", "tokens"],
    limit: int,
    left: int,
    reset: float,
    values: tuple[str, str, str],
) -> None:
    names = (f"x-ratelimit-{word}-{of}" for word in ("limit", "remaining", "reset"))
    assert headers.pairs(of, limit=limit, left=left, reset=reset) == tuple(
        zip(names, values, strict=True)
    )
