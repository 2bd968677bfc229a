"""By whose decision a key is made, replaced or revoked."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_server.auth.records import KEY
from understudy_server.auth.stored_key import ID_LENGTH, StoredKey
from understudy_server.auth.words import ended_key
from understudy_server.errors import InvalidApiKey
from understudy_server.store.port import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A key that manages the keys of its project."""

    project: str
    key: str
    """Its id; of a key that the configuration gives, the digits by which logs name it."""

    @property
    def is_stored(self) -> bool:
        """False for a key that the configuration gives."""
        return len(self.key) > ID_LENGTH


def still_good(stored: StoredKey, now: int) -> Check:
    """What a commit that acts for this key has to hold, so that nothing is done for one that has been revoked.

    A core remembers good keys for some seconds, which is why the caller's word that it is good is not enough.
    ``now``: store time. Raises ``InvalidApiKey``.
    """
    if not stored.is_good(now):
        raise InvalidApiKey(ended_key(stored.key.hint))
    return Check(kind=KEY, id=stored.id, expected=stored.record.version)
