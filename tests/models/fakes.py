"""Fakes and shorthands for the tests of the models."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from understudy_server.models.opener import open_model
from understudy_server.models.port import (
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    RefusalDelta,
    Role,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from understudy_server.models.provider import DialectName, ProviderConfig


class InstantClock:
    """Time that passes only by being slept away, at once."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> int:
        return int(self.now * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def numbered_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"call_new{next(numbers)}"


def remote_model(
    base_url: str,
    *,
    dialect: DialectName,
    clock: InstantClock | None = None,
    api_key: str | None = "sk-test-0123456789",
    **settings: Any,
) -> Model:
    config = ProviderConfig(
        name="acme", dialect=dialect, base_url=base_url, api_key=api_key, **settings
    )
    return open_model(
        config, clock=clock or InstantClock(), new_call_id=numbered_ids(), jitter=lambda: 0.0
    )


def ask(text: str = "Hello", **fields: Any) -> ModelRequest:
    return ModelRequest(**{"model": "gpt-4o", "items": (says(text),)} | fields)


def says(text: str, role: Role = "user") -> Message:
    return Message(role=role, parts=(Text(text=text),))


async def collect(events: AsyncIterator[ModelEvent]) -> list[ModelEvent]:
    return [event async for event in events]


def text_in(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def refusal_in(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, RefusalDelta))


def calls_in(events: Sequence[ModelEvent]) -> list[tuple[str, str, str]]:
    """Call id, name and complete arguments of each call; checks that the indexes are dense."""
    calls: list[tuple[str, str, str]] = []
    for event in events:
        if isinstance(event, ToolCallStarted):
            assert event.index == len(calls)
            calls.append((event.call_id, event.name, ""))
        elif isinstance(event, ToolCallDelta):
            call_id, name, arguments = calls[event.index]
            calls[event.index] = (call_id, name, arguments + event.arguments)
    return calls
