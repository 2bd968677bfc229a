"""What a key may be used for, and what each operation of the contract needs."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from understudy.wire.v1 import wire_pb2 as wire

READ, WRITE, RUN, ADMIN = "read", "write", "run", "admin"
SCOPES = READ, WRITE, RUN, ADMIN
"""All that there are, in their usual order."""

USUAL = frozenset({READ, WRITE, RUN})
"""Of a key of which no scopes are stated. Managing keys is not among them: who holds a key that can is hard to get
rid of, so such a key is made on purpose."""

_THERE_ARE = f"there are {', '.join(SCOPES[:-1])} and {SCOPES[-1]}"

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
        self._all = frozenset(SCOPES)

    def needed(self, method: str) -> frozenset[str]:
        """All of them for a method that is not in the contract."""
        return self._needed.get(method, self._all)


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
    if unknown := sorted(given.difference(SCOPES)):
        raise ValueError(f"there is no scope '{unknown[0]}'; {_THERE_ARE}")
    if not given:
        raise ValueError(f"no scope is given; {_THERE_ARE}")
    return tuple(scope for scope in SCOPES if scope in given)
