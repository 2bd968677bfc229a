"""Reading an ``authorization`` header."""

from __future__ import annotations

import base64
import binascii


def api_key(authorization: str | None) -> str | None:
    """The key in it, or None.

    ``Bearer <key>``, or ``Basic`` with the key as the password, as OpenAI honours both.
    """
    scheme, _, rest = (authorization or "").strip().partition(" ")
    value = rest.strip()
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() == "basic":
        return _password(value) or None
    return None


def _password(encoded: str) -> str:
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]
