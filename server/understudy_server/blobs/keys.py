"""Which keys a blob may have."""

from __future__ import annotations

import re

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}", re.ASCII)


def check_key(key: str) -> None:
    """Raises ``ValueError`` for a key that could be anything else, such as a path."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a blob key: {key!r}")
