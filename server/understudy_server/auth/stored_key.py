"""A key as it is stored, and what it may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy_server.auth.principal import Principal
from understudy_server.auth.scopes import USUAL
from understudy_server.clock import SECOND
from understudy_server.limits.key_limits import UNLIMITED, KeyLimits, limits_of
from understudy_server.store.port import Record
from understudy_server.store.v1.records_pb2 import ApiKey

ID_LENGTH = 16
"""Characters of a key's hash that name it: in logs, with runs, as its budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a key may do, and for how long."""

    scopes: Sequence[str] = ()
    """Empty: the usual ones."""
    lifetime: int = 0
    """Seconds; 0: for ever."""
    limits: KeyLimits = UNLIMITED


EVERYTHING = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key that was made here, without its text."""

    id: str
    """Its ``key_hash``."""
    key: ApiKey
    record: Record

    @property
    def key_id(self) -> str:
        """What names it where people and programs see it."""
        return self.id[:ID_LENGTH]

    @property
    def scopes(self) -> frozenset[str]:
        """One that only a later version knows opens nothing here."""
        return frozenset(self.key.scopes) or USUAL

    @property
    def revoked(self) -> bool:
        return self.key.HasField("revoked_at")

    def good_for(self, now: int) -> float | None:
        """Seconds from ``now`` (store time) until it expires; 0 or less: it has; None: it never does."""
        if not self.key.HasField("expires_at"):
            return None
        return self.key.expires_at - now / SECOND

    def is_good(self, now: int) -> bool:
        """Whether it opens anything at ``now`` (store time)."""
        left = self.good_for(now)
        return not self.revoked and (left is None or left > 0)

    def policy(self) -> Policy:
        """What the key was made to be."""
        return Policy(
            scopes=tuple(self.key.scopes),
            lifetime=self.key.lifetime,
            limits=limits_of(self.key.limits),
        )

    def principal(self) -> Principal:
        limits = limits_of(self.key.limits)
        return Principal(
            project=self.key.project,
            key_id=self.key_id,
            stored_id=self.id,
            scopes=self.scopes,
            limits=limits,
            budget="" if limits == UNLIMITED else self.key.budget or self.key_id,
        )


def parse(record: Record) -> StoredKey:
    return StoredKey(id=record.id, key=ApiKey.FromString(record.body), record=record)
