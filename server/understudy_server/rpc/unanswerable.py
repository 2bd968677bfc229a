"""What gRPC would refuse in its own words, refused in ours: bytes that are no message, methods that are not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

from google.protobuf.message import DecodeError
from grpc import aio

from understudy_server.errors import InvalidRequest, Unimplemented

_Deserialize: TypeAlias = Callable[[bytes], Any]

UNREADABLE: Final = object()
"""Stands for a request whose bytes are no message, until it is known who sent it."""

LONGEST_NAME = 200
"""Characters of the name of an unknown method that are logged."""


def shown_name(method: str) -> str:
    """What is logged of the name of an unknown method: callers choose it, even before they show a key."""
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for each in method[:LONGEST_NAME]
    )


def lenient(deserialize: _Deserialize | None) -> _Deserialize | None:
    """Gives ``UNREADABLE`` where ``deserialize`` fails: gRPC would say so before it is known who calls."""
    if deserialize is None:
        return None

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return UNREADABLE

    return read


def refuse_unreadable(request: Any) -> None:
    """Raises ``InvalidRequest`` for ``UNREADABLE``."""
    if request is UNREADABLE:
        message = "The request could not be read: its bytes are not a message of this method."
        raise InvalidRequest(message, reason="INVALID_VALUE")


def not_offered() -> Unimplemented:
    return Unimplemented("This server does not offer this method.")


async def no_such_method(requests: Any, context: aio.ServicerContext[Any, Any]) -> NoReturn:
    """The behaviour of every method that is not there, whichever streams its caller expects."""
    del requests, context
    raise not_offered()
