"""The model port: what a run asks of a language model, and what comes back while it answers.

Everything here is plain data in the vocabulary of the conversation. The wire dialects
(``responses``, ``chat``) are the business of the implementations beside this file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Role: TypeAlias = Literal["user", "assistant", "system"]
ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    url: str
    """An http(s) or ``data:`` URL."""
    detail: Literal["auto", "low", "high"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    refusal: str


Part: TypeAlias = Text | Image | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the model made in an earlier turn."""

    call_id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """An output item of a provider (encrypted reasoning, say) to replay untouched, as JSON."""

    json: bytes


Item: TypeAlias = Message | ToolCall | ToolOutput | Opaque


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function tool, with its JSON schema exactly as the user wrote it."""

    name: str
    description: str | None = None
    parameters: bytes | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    name: str
    description: str | None = None
    schema: bytes | None = None
    strict: bool | None = None


ToolChoice: TypeAlias = str
"""``none``, ``auto``, ``required``, or ``function:<name>`` for a forced function."""

ResponseFormat: TypeAlias = Literal["text", "json_object"] | JsonSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model call. A field that is None was not set by the user and must not be sent."""

    model: str
    """The provider's own name of the model."""
    instructions: str | None = None
    items: tuple[Item, ...] = ()
    tools: tuple[Function, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    max_output_tokens: int | None = None
    show_sent: bool = False
    """Whether to tell what is sent, as a ``Sent`` event before each try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What goes to the provider, now. Holds no header and no key."""

    dialect: str
    """``responses``, ``chat`` or ``demo``."""
    url: str | None
    """None for a provider without one."""
    body: bytes
    """A JSON object, byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStarted:
    """A function call begins; its arguments follow as ``ToolCallDelta`` of the same ``index``."""

    index: int
    """Dense from 0 within one model call."""
    call_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    index: int
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueItem:
    """Keep this with the step and give it back as ``Opaque`` in the next round."""

    json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


FinishReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every successful call."""

    reason: FinishReason
    usage: Usage | None = None
    """None when the provider sent no usage."""
    model: str | None = None
    """The name under which the provider served it, when it said so."""


ModelEvent: TypeAlias = (
    Sent | TextDelta | RefusalDelta | ToolCallStarted | ToolCallDelta | OpaqueItem | Finished
)

ErrorCode: TypeAlias = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]


@dataclass(eq=False)
class ModelError(Exception):
    """A model call that failed for good; becomes the run's ``last_error``.

    ``message`` is written for the person who runs the application; it never contains a key.
    """

    code: ErrorCode
    message: str
    partial: bool = field(default=False, kw_only=True)
    """Whether a part of the answer had been delivered before the failure (it is never retried then)."""

    def __str__(self) -> str:
        return self.message


class Model(Protocol):
    """One provider."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """The events of one model call, ending with ``Finished``; raises ``ModelError``.

        A try that fails before its answer has begun may be repeated, with the same body.
        Closing the generator (or cancelling its task) closes the upstream connection at once.
        """
        ...

    async def list_models(self) -> tuple[str, ...]:
        """Names that this provider offers, in its own spelling; raises ``ModelError``."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a requested model name means here."""

    provider: str
    model: str
    """The provider's own name."""
    context_window: int
    """Tokens."""
    alias_of: str | None = None
    """The requested name, when an alias replaced it."""


class Models(Protocol):
    """All configured providers, by name."""

    def resolve(self, name: str) -> Resolved:
        """Raises ``ModelNotFound`` (from ``errors``) for a provider that is not configured."""
        ...

    def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]: ...

    async def list_models(self) -> tuple[str, ...]:
        """Every name that a user may write in ``model``."""
        ...

    async def close(self) -> None: ...
