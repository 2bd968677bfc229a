"""What a key may be used for, and what each operation of the contract needs.

There is no scope for managing keys: no RPC does that, and a key that could make keys would outlive its own revocation.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from understudy.wire.v1 import wire_pb2 as wire

READ, WRITE, RUN = "read", "write", "run"
SCOPES = frozenset({READ, WRITE, RUN})

NONE = "none"
"""In the contract: any good key will do."""


class Scopes:
    """Of the methods of some services, by the path that a call has: ``/package.Service/Method``."""

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        """Raises ``ValueError`` for a scope that there is not."""
        self._needed = {
            f"/{service.full_name}/{method.name}": needed(method)
            for service in services
            for method in service.methods
        }

    def needed(self, method: str) -> frozenset[str]:
        """All of them for a method that is not in the contract."""
        return self._needed.get(method, SCOPES)


def needed(method: MethodDescriptor) -> frozenset[str]:
    options = method.GetOptions()
    stated = options.Extensions[wire.method].scope
    if stated == NONE:
        return frozenset()
    if stated and stated not in SCOPES:
        raise ValueError(f"{method.full_name}: there is no scope '{stated}'")
    reads = options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    return frozenset({stated or (READ if reads else WRITE)})


def parse_scopes(words: Iterable[str]) -> tuple[str, ...]:
    """In their usual order. Raises ``ValueError`` for one that there is not, and for none."""
    given = set(words)
    if unknown := sorted(given - SCOPES):
        raise ValueError(f"there is no scope '{unknown[0]}'; there are read, write and run")
    if not given:
        raise ValueError("no scope is given; there are read, write and run")
    return tuple(scope for scope in (READ, WRITE, RUN) if scope in given)
