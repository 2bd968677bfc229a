"""Models that say what a test wrote down, when the test lets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from understudy_server.errors import ModelNotFound
from understudy_server.models.port import (
    Finished,
    ModelEvent,
    ModelRequest,
    Resolved,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Wait:
    """The model says nothing until the gate is opened; without a gate, never again."""

    gate: asyncio.Event | None = None


Step: TypeAlias = ModelEvent | Wait | Exception
Script: TypeAlias = Sequence[Step]

USAGE = Usage(prompt_tokens=10, completion_tokens=3)


def says(*texts: str, reason: str = "stop") -> list[Step]:
    """A whole answer, one delta for each text."""
    return [*(TextDelta(text=text) for text in texts), finished(reason)]


def calls(*names: str, said: str = "") -> list[Step]:
    """Calls of functions with the ids ``call_<name>``, perhaps after a message."""
    steps: list[Step] = [TextDelta(text=said)] if said else []
    for index, name in enumerate(names):
        steps.append(ToolCallStarted(index=index, call_id=f"call_{name}", name=name))
        steps.append(ToolCallDelta(index=index, arguments="{}"))
    return [*steps, finished("tool_calls")]


def finished(reason: str = "stop") -> Finished:
    return Finished(reason=reason, usage=USAGE)  # type: ignore[arg-type]  # one of the port's words


class ScriptedModels:
    """Implements ``Models``: each call plays the next script, the last one again and again."""

    def __init__(self, *scripts: Script | Callable[[ModelRequest], Script]) -> None:
        self._scripts = list(scripts)
        self.requests: list[ModelRequest] = []
        self.open = 0
        """Streams that have begun and not ended: connections to a provider."""

    def resolve(self, name: str) -> Resolved:
        if name == "missing":
            raise ModelNotFound(name)
        return Resolved(provider="test", model=name, context_window=100_000)

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.open += 1
        try:
            for step in script(request) if callable(script) else script:
                if isinstance(step, Wait):
                    await (step.gate or asyncio.Event()).wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    await asyncio.sleep(0)
                    yield step
        finally:
            self.open -= 1

    async def list_models(self) -> tuple[str, ...]:
        return ("scripted",)

    async def close(self) -> None:
        pass
