"""Who calls: from HTTP headers to the metadata of a gRPC call. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from understudy_edge.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Metadata = tuple[tuple[str, str], ...]

_BETA_MESSAGE: Final = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by "
    "setting the header 'OpenAI-Beta: {beta}'."
)


def caller_metadata(headers: Mapping[str, str], *, request_id: str) -> Metadata:
    """What every call carries: the key, if there is one, and the id of this request."""
    key = _authorization(headers)
    own = (("x-request-id", request_id),)
    return own if key is None else (("authorization", key), *own)


def idempotency_metadata(headers: Mapping[str, str]) -> Metadata:
    """Raises ``Problem`` for a key that metadata cannot carry: changing it could merge two keys."""
    key = headers.get("Idempotency-Key")
    if not key:
        return ()
    if not is_printable(key):
        raise Problem(
            "INVALID_VALUE",
            "Invalid 'Idempotency-Key': only printable ASCII characters are accepted.",
            "Idempotency-Key",
        )
    return (("idempotency-key", key),)


def own_idempotency_metadata(request_id: str) -> Metadata:
    """A key for a caller that gave none, so that its one request can be repeated on another core."""
    return (("idempotency-key", f"edge-{request_id}"),)


def require_beta(headers: Mapping[str, str], beta: str) -> None:
    """The header may list several values. Raises ``Problem``."""
    given = headers.get("OpenAI-Beta", "")
    if beta not in (value.strip() for value in given.split(",")):
        raise Problem("INVALID_BETA", _BETA_MESSAGE.format(beta=beta))


def is_printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _authorization(headers: Mapping[str, str]) -> str | None:
    """Bearer, whichever of the three ways the key came; otherwise what the caller sent."""
    given = headers.get("Authorization")
    if given is None:
        azure = headers.get("api-key")
        return None if azure is None else _sendable(f"Bearer {azure}")
    scheme, _, credentials = given.partition(" ")
    if scheme.lower() == "basic":
        password = _password(credentials.strip())
        if password is not None:
            return _sendable(f"Bearer {password}")
    return _sendable(given)


def _password(credentials: str) -> str | None:
    """The key from the password field, with a blank user name."""
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).partition(b":")
        return password.decode("ascii") if colon and not user else None
    except (binascii.Error, ValueError):
        return None


def _sendable(value: str) -> str:
    """No key has such characters, so the core refuses what is left, in its own words."""
    return "".join(char if is_printable(char) else "?" for char in value)
