"""Idempotency keys: the same key with the same request finds what the first one made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from google.protobuf.message import Message as Proto

from understudy_server.errors import IdempotencyMismatch
from understudy_server.ids import Ids, derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which id a creating call gives to its object, and how to recognise the call."""

    id: str
    fingerprint: bytes
    """Empty without a key."""


def identify(
    ids: Ids, prefix: str, *, project: str, operation: str, key: str | None, request: Proto
) -> Identity:
    """With a key the id follows from it, so that a repeated call meets the first one's object."""
    if key is None:
        return Identity(id=ids.new(prefix), fingerprint=b"")
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    return Identity(id=derived(prefix, project, operation, key), fingerprint=digest)


def same_request(stored: bytes, fingerprint: bytes) -> None:
    """Raises ``IdempotencyMismatch`` unless both are the same request."""
    if stored != fingerprint:
        raise IdempotencyMismatch(
            "This Idempotency-Key has been used with a different request. "
            "Use a new key for a new request."
        )
