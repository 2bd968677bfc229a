"""Where our responses differ from OpenAI's own description, on purpose: one row each.

Nothing else is tolerated: neither a key that the description does not have, nor a value that it does not allow.
``test_deviations.py`` produces every row from a real server, so a row that is no longer needed fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Keyword: TypeAlias = Literal["additionalProperties", "enum", "maxItems", "type"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One tolerated difference."""

    schema: str
    """The innermost named schema around it."""
    path: str
    """From the start of that schema, with ``[]`` for any index: ``data[].name``."""
    keyword: Keyword
    """Which rule of the schema is broken; ``additionalProperties`` is a key that it does not have."""
    reason: str
    value: str | None = None
    """What is there instead, for ``enum`` and ``type``: by default null."""


_ON_THE_WIRE = "The real API sends it, although its description does not have it."
_NULL = "The real API sends null rather than leaving it out."
_EMPTY_PAGE = "The real API sends null for an empty page."

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("AssistantObject", "reasoning_effort", "additionalProperties", _ON_THE_WIRE),
    Deviation("RunObject", "reasoning_effort", "additionalProperties", _ON_THE_WIRE),
    Deviation("RunObject", "tool_resources", "additionalProperties", _ON_THE_WIRE),
    Deviation("RunStepObject", "expires_at", "additionalProperties", _ON_THE_WIRE),
    Deviation("RunCompletionUsage", "prompt_token_details", "additionalProperties", _ON_THE_WIRE),
    Deviation(
        "RunCompletionUsage", "completion_tokens_details", "additionalProperties", _ON_THE_WIRE
    ),
    Deviation(
        "RunStepCompletionUsage", "prompt_token_details", "additionalProperties", _ON_THE_WIRE
    ),
    Deviation(
        "RunStepCompletionUsage", "completion_tokens_details", "additionalProperties", _ON_THE_WIRE
    ),
    Deviation("FileSearchRankingOptions", "hybrid_search", "additionalProperties", _ON_THE_WIRE),
    Deviation(
        "RunObject",
        "instructions",
        "type",
        "The real API sends null when neither assistant nor run has instructions.",
    ),
    Deviation(
        "RunObject",
        "tools",
        "maxItems",
        "A run takes the tools of its assistant, which may have 128 of them.",
    ),
    Deviation("ListAssistantsResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListAssistantsResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListMessagesResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListMessagesResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListRunsResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListRunsResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListRunStepsResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListRunStepsResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListThreadsResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListThreadsResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListFilesResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListFilesResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListVectorStoresResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListVectorStoresResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("ListVectorStoreFilesResponse", "first_id", "type", _EMPTY_PAGE),
    Deviation("ListVectorStoreFilesResponse", "last_id", "type", _EMPTY_PAGE),
    Deviation("VectorStoreObject", "name", "type", _NULL),
    Deviation("VectorStoreObject", "description", "additionalProperties", _ON_THE_WIRE),
    Deviation("VectorStoreExpirationAfter", "", "type", _NULL),
    Deviation("OpenAIFile", "expires_at", "type", _NULL),
    Deviation("OpenAIFile", "status_details", "type", _NULL),
    Deviation(
        "OpenAIFile",
        "purpose",
        "enum",
        "A file may be created for it, although files are not said to be for it.",
        value="evals",
    ),
    Deviation(
        "MessageObject",
        "role",
        "enum",
        "The role is ours; nobody meets it without having written it.",
        value="system",
    ),
    Deviation(
        "Error",
        "error",
        "additionalProperties",
        "Error events carry the error twice: client libraries differ in where they look for it.",
    ),
)
