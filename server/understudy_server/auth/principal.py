"""What a good key says."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_server.auth.scopes import USUAL
from understudy_server.limits.key_limits import UNLIMITED, KeyLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """To whom a key belongs, and what it may do."""

    project: str
    key_id: str
    """The beginning of the key's hash: names the key and does not give it away. Empty: no key."""
    stored_id: str = ""
    """All of that hash, for a key in the store; empty for those that the configuration gives."""
    scopes: frozenset[str] = USUAL
    limits: KeyLimits = UNLIMITED
    budget: str = ""
    """Under which name its use is counted; empty: it has no limits."""
