"""How one model provider is reached, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from understudy_server.models.chat_request import MaxTokensField

DialectName: TypeAlias = Literal["responses", "chat", "demo"]

DEFAULT_CONTEXT_WINDOW = 128_000
"""Tokens; what most hosted models of the Assistants years have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One provider. Times in seconds, windows in tokens."""

    name: str
    dialect: DialectName
    base_url: str = ""
    """Empty only for ``demo``."""
    api_key: str | None = field(default=None, repr=False)
    """None for servers that ask for no key."""
    organization: str | None = None
    project: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each request; hidden, because some servers take keys in them."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Added to each URL, such as Azure's ``api-version``."""
    context_window: int = DEFAULT_CONTEXT_WINDOW
    model_windows: Mapping[str, int] = field(default_factory=dict)
    """Context windows of single models, by the provider's own name of each."""
    connect_timeout: float = 10.0
    stall_timeout: float = 60.0
    """The longest silence in the middle of an answer, or before it."""
    max_answer_bytes: int = 64 * 1024 * 1024
    """More than this in one answer, events and all, is no answer. The text of a turn ends long before
    (``MAX_SAID`` of ``runs/turn.py``), but each of its tokens may be wrapped in half a kilobyte."""
    max_retries: int = 2
    reasoning_items: bool = True
    """``responses`` only: ask for encrypted reasoning and replay it."""
    max_tokens_field: MaxTokensField = "max_completion_tokens"
    """``chat`` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsConfig:
    """All providers. ``aliases`` maps names that users still write to names that are served."""

    providers: tuple[ProviderConfig, ...]
    default_provider: str
    aliases: Mapping[str, str] = field(default_factory=dict)
