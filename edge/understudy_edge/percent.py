"""Percent-encoding, decoded so that the result is always text: bytes that are no UTF-8 become
replacement characters, which no id and no value of the contract has.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def decoded(text: str) -> str:
    """``text`` as aiohttp gives it, where bytes that are no UTF-8 are lone surrogates."""
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The pairs of a query string, in their order; a name without ``=`` has an empty value."""
    pairs: list[tuple[str, str]] = []
    for part in query.replace("+", " ").split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((decoded(name), decoded(value)))
    return pairs
