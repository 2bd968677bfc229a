"""The ``x-ratelimit-*`` pairs that answers to a key with limits carry. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from understudy_server.limits.windows import duration

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Metadata of gRPC; the REST face makes headers of them."""


def pairs(of: Literal["requests", "tokens"], *, limit: int, left: int, reset: float) -> Pairs:
    """``left``: before the next is refused; ``reset``: seconds until all of ``limit`` is there again."""
    return (
        (f"x-ratelimit-limit-{of}", str(limit)),
        (f"x-ratelimit-remaining-{of}", str(max(0, left))),
        (f"x-ratelimit-reset-{of}", duration(reset)),
    )
