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
    return Identity(
        id=chosen_id(ids, prefix, project=project, operation=operation, key=key),
        fingerprint=fingerprint(key, request),
    )


def chosen_id(ids: Ids, prefix: str, *, project: str, operation: str, key: str | None) -> str:
    """Known before the request is, where that comes as a stream."""
    return ids.new(prefix) if key is None else derived(prefix, project, operation, key)


def fingerprint(key: str | None, request: Proto, content: bytes = b"") -> bytes:
    """Empty without a key. ``content``: the digest of what came beside the request."""
    if key is None:
        return b""
    return hashlib.sha256(request.SerializeToString(deterministic=True) + content).digest()


def same_request(stored: bytes, fingerprint: bytes) -> None:
    """Raises ``IdempotencyMismatch`` unless both are the same request."""
    if stored != fingerprint:
        raise IdempotencyMismatch(
            "This Idempotency-Key has been used with a different request. "
            "Use a new key for a new request."
        )
