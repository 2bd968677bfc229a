"""How a failure is told to the person who runs the application. Pure.

| failure                                  | code of the run's error | message               |
|------------------------------------------|-------------------------|-----------------------|
| 429, or a used-up quota                  | ``rate_limit_exceeded`` | the provider's        |
| 400, 413, 422 about the conversation     | ``invalid_prompt``      | the provider's        |
| 401, 403, 404, other 4xx, 5xx            | ``server_error``        | its meaning, theirs   |
| unreachable, dropped, stalled, malformed | ``server_error``        | what happened         |

Where the provider said nothing, its status says what it can. No message is longer than
``LONGEST_MESSAGE``, has characters that cannot be printed, or holds a key.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from understudy_server.models.failure import FailureKind, UpstreamFailure
from understudy_server.models.port import ErrorCode, ModelError
from understudy_server.models.retry import is_quota

_INPUT_CODES: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "invalid_prompt",
        "string_above_max_length",
    }
)
_NOT_THE_INPUT: Final = frozenset({"unknown_parameter", "unsupported_parameter"})
_INPUT_PARAMS: Final = ("input", "messages", "instructions")
_INPUT_WORDS: Final = re.compile(
    r"context (length|window|size)|maximum context|prompt is too long|too many tokens"
    r"|content (policy|filter|management)|usage polic|safety system",
    re.IGNORECASE,
)
_KEY_SHAPE: Final = re.compile(r"\b(sk-|Bearer )[A-Za-z0-9_*.\-]{6,}")
LONGEST_MESSAGE: Final = 1_000
"""Characters. Every reader of the run gets them, and each of its readers' logs."""
_SHORTEST_SECRET: Final = 6
"""A placeholder such as ``none`` is no secret, and blanking it would spoil ordinary words."""


def scrub(message: str, secrets: Collection[str]) -> str:
    """``message`` without any of ``secrets`` and without anything that looks like a key."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            message = message.replace(secret, "***")
    return _KEY_SHAPE.sub(r"\1***", message)


def about_the_input(failure: UpstreamFailure) -> bool:
    """Whether the provider refuses what was said, rather than how it was asked."""
    if failure.status not in (None, 400, 413, 422) or failure.code in _NOT_THE_INPUT:
        return False
    code = failure.code or ""
    return (
        failure.status == 413
        or code in _INPUT_CODES
        or "image" in code
        or (failure.param or "").startswith(_INPUT_PARAMS)
        or _INPUT_WORDS.search(failure.message) is not None
    )


def printable(text: str) -> str:
    """One line without control characters, of ``LONGEST_MESSAGE`` at most."""
    text = text[: 100 * LONGEST_MESSAGE]  # looking at each character takes time
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"


def model_error(
    provider: str, failure: UpstreamFailure, *, partial: bool, secrets: Collection[str] = ()
) -> ModelError:
    """What the run reports. ``secrets`` never appear in it, even if the provider repeats them."""
    # Before anything is cut: half a key is a secret, too.
    said = scrub(failure.message, secrets)
    code, words = _told(provider, failure, printable(said))
    return ModelError(code, printable(words), partial=partial)


def _told(provider: str, failure: UpstreamFailure, said: str) -> tuple[ErrorCode, str]:
    if failure.kind != "refused":
        return "server_error", _broken(provider, failure.kind, said)
    code = _code(failure)
    if said and code != "server_error":
        return code, said
    status = f" ({failure.status})" if failure.status else ""
    reason = f": {said}" if said else ""
    if not status and not reason:
        reason = ": no reason was given"
    return code, f"The model provider '{provider}' {_verb(failure)}{status}{reason}"


def _code(failure: UpstreamFailure) -> ErrorCode:
    if is_limit(failure):
        return "rate_limit_exceeded"
    return "invalid_prompt" if about_the_input(failure) else "server_error"


def is_limit(failure: UpstreamFailure) -> bool:
    """Whether the provider has had too much, of this caller or of what was paid for."""
    return failure.status == 429 or failure.code == "rate_limit_exceeded" or is_quota(failure)


def _broken(provider: str, kind: FailureKind, said: str) -> str:
    match kind:
        case "unreachable":
            what = "could not be reached"
        case "dropped":
            what = "closed the connection before the answer was complete"
        case "stalled":
            what = "stopped answering"
        case _:
            what = "sent an answer that is not understood"
    detail = f": {said}" if said else ""
    return f"The model provider '{provider}' {what}{detail}"


def _verb(failure: UpstreamFailure) -> str:
    if is_limit(failure):
        return "asks for fewer requests"
    match failure.status:
        case 401:
            return "refused the API key"
        case 403:
            return "refused access"
        case 404 if failure.code == "model_not_found" or "model" in failure.message.lower():
            return "does not offer this model"
        case 404:
            return "has no such address; its base_url may be wrong"
        case None:
            return "reported an error"
        case status if 300 <= status < 400:
            return "points to another address; its base_url may be wrong"
        case status if status >= 500:
            return "had an error"
        case _:
            return "refused the request"
