"""What a good key says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """To whom a key belongs."""

    project: str
    key_id: str
    """The beginning of the key's hash: names the key and does not give it away. Empty: no key."""
