"""What makes one wire dialect: where to send, what to send, how to read the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from understudy_server.models.parser import StreamParser
from understudy_server.models.port import ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Two instances exist: ``responses.responses_dialect`` and ``chat.chat_dialect``."""

    name: Literal["responses", "chat"]
    path: str
    """Below the provider's base URL."""
    build_body: Callable[[ModelRequest], dict[str, Any]]
    new_parser: Callable[[], StreamParser]
    """A parser for one answer."""
