"""A store URL as it may be printed and logged."""

from __future__ import annotations

import re

_SECRET = re.compile(r"([?&](?:\w*password|key|secret)=)[^&]*", re.IGNORECASE)


def shown_url(url: str) -> str:
    """Pure: the URL with stars for its passwords, whatever else is wrong with it.

    >>> shown_url("redis://me:secret@host/0")
    'redis://me:***@host/0'
    """
    scheme, separator, rest = url.partition("://")
    # Where a mark is missing, -1 modulo the length gives the end.
    end = min(rest.find(mark) % (len(rest) + 1) for mark in "/?#")
    if "@" in rest[end:]:
        # A password with a mark in it that should have been written as %2F.
        end = len(rest)
    user, at, host = rest[:end].rpartition("@")
    name, colon, _ = user.partition(":")
    hidden = f"{name}{colon}{'***' if colon else ''}{at}{host}"
    parameters = _SECRET.sub(r"\1***", rest[end:])
    return f"{scheme}{separator}{hidden}{parameters}"
