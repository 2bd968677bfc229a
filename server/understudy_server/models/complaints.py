"""How a failure is told to the person who runs the application. Pure.

| failure                                  | code of the run's error | message               |
|------------------------------------------|-------------------------|-----------------------|
| 429, or a used-up quota                  | ``rate_limit_exceeded`` | the provider's        |
| 400, 413, 422 about the conversation     | ``invalid_prompt``      | the provider's        |
| 401, 403, 404, other 4xx, 5xx            | ``server_error``        | its meaning, theirs   |
| unreachable, dropped, stalled, malformed | ``server_error``        | what happened         |
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.port import ModelError
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


def model_error(
    provider: str, failure: UpstreamFailure, *, partial: bool, secrets: Collection[str] = ()
) -> ModelError:
    """What the run reports. ``secrets`` never appear in it, even if the provider repeats them."""
    message = failure.message
    if failure.kind != "refused":
        return ModelError(
            "server_error", scrub(_broken(provider, failure), secrets), partial=partial
        )
    if failure.status == 429 or failure.code == "rate_limit_exceeded" or is_quota(failure):
        return ModelError("rate_limit_exceeded", scrub(message, secrets), partial=partial)
    if about_the_input(failure):
        return ModelError("invalid_prompt", scrub(message, secrets), partial=partial)
    said = f" ({failure.status}): {message}" if failure.status else f": {message}"
    text = f"The model provider '{provider}' {_verb(failure)}{said}"
    return ModelError("server_error", scrub(text, secrets), partial=partial)


def _broken(provider: str, failure: UpstreamFailure) -> str:
    match failure.kind:
        case "unreachable":
            what = "could not be reached"
        case "dropped":
            what = "closed the connection before the answer was complete"
        case "stalled":
            what = "stopped answering"
        case _:
            what = "sent an answer that is not understood"
    detail = f": {failure.message}" if failure.message else ""
    return f"The model provider '{provider}' {what}{detail}"


def _verb(failure: UpstreamFailure) -> str:
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
        case status if status >= 500:
            return "had an error"
        case _:
            return "refused the request"
