"""Who made the call that is being handled."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from understudy_server.limits.key_limits import UNLIMITED, KeyLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller, during one call."""

    project: str
    """The tenant: everything the call reads and writes belongs to it."""
    key_id: str
    """Of the API key; empty when the server asks for none."""
    stored_key: str = ""
    """All of the key's id, if it is in the store."""
    request_id: str
    """The caller's ``x-request-id``, or one made here."""
    idempotency_key: str | None = None
    """Its ``idempotency-key``: the same key with the same request is answered with the same object."""
    repeated: bool = False
    """Whether this call may have been made before, its answer being lost (``previous-attempts``)."""
    limits: KeyLimits = UNLIMITED
    """Of the key."""
    budget: str = ""
    """Under which name the use of the key is counted."""


_CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The caller of the present RPC. LookupError outside of one."""
    return _CALLER.get()


def enter(caller: Caller) -> None:
    """Say who calls. Every RPC runs in a task of its own, so nothing needs to be put back."""
    _CALLER.set(caller)
