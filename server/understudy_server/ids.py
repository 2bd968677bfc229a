"""Ids as a port: where new ones come from."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 24


class Ids(Protocol):
    """Gives ids of OpenAI's shape: a prefix and 24 base62 characters, ``thread_abc...``."""

    def new(self, prefix: str) -> str:
        """An id that was never given before."""
        ...


class RandomIds:
    """142 random bits each."""

    def new(self, prefix: str) -> str:
        return _shape(prefix, secrets.randbits(256))


def derived(prefix: str, *parts: str) -> str:
    """The id that these parts always lead to: a repeated request finds what the first one made."""
    digest = hashlib.sha256("\0".join((prefix, *parts)).encode()).digest()
    return _shape(prefix, int.from_bytes(digest))


def _shape(prefix: str, number: int) -> str:
    letters = []
    for _ in range(_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return prefix + "".join(letters)
