"""An account's key, taken from where it was set to where it is needed. Pure, and without the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

KEY_VARIABLE = "COSMOS_KEY"


def with_key(url: str, variables: Mapping[str, str]) -> str:
    """A store URL with the key in it, for variables that are not in this process's environment (a ``.env`` file).

    Any other URL, and one that has a key or finds none, comes back as it is.
    """
    parts = urlsplit(url)
    if parts.scheme != "cosmos" or "@" in parts.netloc:
        return url
    key = variables.get(parse_qs(parts.query).get("key_env", [KEY_VARIABLE])[0])
    if not key:
        return url
    return parts._replace(netloc=f":{quote(key, safe='')}@{parts.netloc}").geturl()
