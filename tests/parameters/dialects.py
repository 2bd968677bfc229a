"""What a run that sets nothing sends, in each dialect, and where the two differ in name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Body: TypeAlias = dict[str, Any]

MODEL = "gpt-4o"
INSTRUCTIONS = "Be kind."


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    name: Literal["responses", "chat"]
    path: str
    conversation: str
    """The key that holds the messages."""
    limit: str
    """The key of the most tokens that an answer may have."""
    least: int
    """The smallest limit that is sent."""
    plain: Body
    """The rest of a body for which nobody set anything."""
    user: Callable[[str], Any]
    """A user's message of one text."""

    def body(self, *texts: str) -> Body:
        """The whole request for a thread of these messages."""
        return {**self.plain, "model": MODEL, self.conversation: [self.user(t) for t in texts]}


RESPONSES = Dialect(
    name="responses",
    path="/v1/responses",
    conversation="input",
    limit="max_output_tokens",
    least=16,
    plain={"stream": True, "store": False, "include": ["reasoning.encrypted_content"]},
    user=lambda text: {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    },
)
CHAT = Dialect(
    name="chat",
    path="/v1/chat/completions",
    conversation="messages",
    limit="max_completion_tokens",
    least=1,
    plain={"stream": True, "stream_options": {"include_usage": True}},
    user=lambda text: {"role": "user", "content": text},
)
DIALECTS = (RESPONSES, CHAT)
