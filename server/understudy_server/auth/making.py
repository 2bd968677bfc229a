"""The text of a key, its hash, and what is stored of it."""

from __future__ import annotations

import hashlib
import secrets

from understudy_server.auth.authority import Authority
from understudy_server.auth.records import KEY
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.clock import SECOND
from understudy_server.limits.key_limits import UNLIMITED
from understudy_server.store.port import Put
from understudy_server.store.v1.records_pb2 import ApiKey

_PREFIX = "sk-understudy-"

ID_DIGITS = 64
"""Of a key's id, which is its hash."""


def key_hash(key: str) -> str:
    """SHA-256, in hexadecimal.

    Plain, without salt or stretching: those protect secrets that can be guessed, and a key of this
    server is 256 random bits.
    """
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def made(
    now: int, *, project: str, name: str, policy: Policy, by: Authority | None
) -> tuple[str, ApiKey]:
    """The text of a new key and what is to be stored of it."""
    text = _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        hash=bytes.fromhex(key_hash(text)),
        project=project,
        name=name,
        created_at=now // SECOND,
        hint=f"{text[: len(_PREFIX) + 4]}...{text[-4:]}",
        scopes=policy.scopes,
        lifetime=policy.lifetime,
        created_by="" if by is None else by.key,
    )
    if policy.limits != UNLIMITED:
        key.limits.CopyFrom(policy.limits.record())
    if policy.lifetime:
        key.expires_at = key.created_at + policy.lifetime
    return text, key


def put(key: ApiKey, before: StoredKey | None, now: int) -> Put:
    """``before``: what it replaces. ``now``: store time, by which keys are listed."""
    return Put(
        kind=KEY,
        id=key.hash.hex(),
        expected=None if before is None else before.record.version,
        order=now if before is None else before.record.order,
        body=key.SerializeToString(),
    )


def copied(key: ApiKey) -> ApiKey:
    copy = ApiKey()
    copy.CopyFrom(key)
    return copy


def revoked(key: ApiKey, now: int) -> ApiKey:
    """What is to be stored of a key that ends at ``now`` (store time)."""
    ended = copied(key)
    ended.revoked_at = now // SECOND
    return ended
