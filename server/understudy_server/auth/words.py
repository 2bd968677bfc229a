"""What is said about keys, in OpenAI's words."""

from __future__ import annotations

MISSING_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header"
    " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank"
    " username) if you're accessing the API from your browser and are prompted for a username and"
    " password. You can obtain an API key from https://platform.openai.com/account/api-keys."
)

_HEAD, _TAIL = 8, 4
_LONGEST_MASK = 64


def wrong_key(key: str) -> str:
    """The message about a key that this server does not accept."""
    return ended_key(mask(key))


def ended_key(hint: str) -> str:
    """About a key that was good a moment ago; its text is not at hand."""
    return (
        f"Incorrect API key provided: {hint}."
        " You can find your API key at https://platform.openai.com/account/api-keys."
    )


def mask(key: str) -> str:
    """The first 8 and last 4 characters with asterisks between them; of a short key nothing."""
    hidden = len(key) - _HEAD - _TAIL
    if hidden <= 0:
        return "*" * len(key)
    return key[:_HEAD] + "*" * min(hidden, _LONGEST_MASK) + key[-_TAIL:]
