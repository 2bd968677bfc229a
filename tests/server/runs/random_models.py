"""Models and functions that do anything their ports allow, drawn from a history's seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from random import Random

from understudy_server.clock import Clock
from understudy_server.models.port import (
    ErrorCode,
    Finished,
    FinishReason,
    ModelError,
    ModelEvent,
    ModelRequest,
    OpaqueItem,
    RefusalDelta,
    Resolved,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from understudy_server.tools.port import CallContext, FunctionDefinition

THEIRS = ("f", "g")
"""Functions that the application answers ..."""
OURS = ("s", "t")
"""... and functions that this server answers."""

_ERRORS: tuple[ErrorCode, ...] = ("server_error", "rate_limit_exceeded", "invalid_prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moods:
    """Probabilities, each for one turn of the model."""

    calls: float = 0.4
    fails: float = 0.05
    stalls: float = 0.04
    cut: float = 0.05
    """Ends without a last word, for length, or filtered; or makes no sense."""


class RandomModels:
    """Implements ``Models``. Every word that it ever says is another one."""

    def __init__(
        self,
        random: Random,
        clock: Clock,
        moods: Moods,
        numbers: Iterator[int],
        asked: Callable[[ModelRequest], None],
        used: Callable[[ModelRequest, Usage], None],
    ) -> None:
        """``numbers`` tell words and calls apart; ``asked`` is told every request before it is answered, ``used``
        what it has cost.
        """
        self._random = random
        self._clock = clock
        self._moods = moods
        self._numbers = numbers
        self._asked = asked
        self._used = used

    def resolve(self, name: str) -> Resolved:
        return Resolved(provider="test", model=name, context_window=100_000)

    async def stream(
        self, resolved: Resolved, request: ModelRequest
    ) -> AsyncGenerator[ModelEvent, None]:
        self._asked(request)
        random, moods = self._random, self._moods
        if random.random() < moods.fails:
            raise ModelError(random.choice(_ERRORS), "no luck")
        cut = random.random() < moods.cut
        for event in self._turn(cut):
            await self._clock.sleep(random.choice((0.0, 0.0, 0.01, 0.3, 4.0)))
            yield event
            if random.random() < moods.fails / 10:
                raise ModelError("server_error", "broke off", partial=True)
        if random.random() < moods.stalls:
            await self._clock.sleep(random.choice((8.0, 40.0, 1000.0)))
        if not cut or random.random() < 0.6:
            finished = self._finished(cut)
            self._used(request, finished.usage or Usage())
            yield finished

    def _turn(self, cut: bool) -> Iterator[ModelEvent]:
        random = self._random
        yield from self._say(random.choice((0, 0, 1, 2, 5)))
        if random.random() < self._moods.calls:
            if random.random() < 0.2:
                yield OpaqueItem(json=b"{}")
            yield from self._call(random.choice((1, 1, 1, 2, 3)), cut)
            if random.random() < 0.1:
                yield from self._say(1)

    def _say(self, words: int) -> Iterator[ModelEvent]:
        for _ in range(words):
            text = f"w{next(self._numbers)} "
            yield RefusalDelta(text=text) if self._random.random() < 0.15 else TextDelta(text=text)

    def _call(self, number: int, cut: bool) -> Iterator[ModelEvent]:
        for index in range(number):
            name = self._random.choice(THEIRS + OURS)
            call_id = f"call_{next(self._numbers)}"
            yield ToolCallStarted(index=index, call_id=call_id, name=name)
            for piece in ('{"of":', f'"{call_id}"', "}"):
                yield ToolCallDelta(index=index, arguments=piece)
        if cut and self._random.random() < 0.2:
            yield ToolCallDelta(index=number, arguments="?")

    def _finished(self, cut: bool) -> Finished:
        reasons: tuple[FinishReason, ...] = ("length", "content_filter")
        reason = self._random.choice(reasons) if cut else "stop"
        usage = Usage(prompt_tokens=self._random.randint(0, 9), completion_tokens=1)
        return Finished(reason=reason, usage=usage if self._random.random() < 0.9 else None)

    async def list_models(self) -> tuple[str, ...]:
        return ("scripted",)

    async def close(self) -> None:
        pass


class RandomFunctions:
    """Implements ``Functions`` for one core. Every call has its own output, the same each time."""

    def __init__(
        self, random: Random, clock: Clock, started: Callable[[str, str, CallContext], None]
    ) -> None:
        """``started`` is told each call just before it runs: name, arguments, context."""
        self._random = random
        self._clock = clock
        self._started = started

    def names(self) -> frozenset[str]:
        return frozenset(OURS)

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        return tuple(
            FunctionDefinition(name=name, description=None, parameters=b'{"type":"object"}')
            for name in OURS
        )

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        self._started(name, arguments, context)
        await self._clock.sleep(self._random.choice((0.0, 0.1, 3.0, 20.0)))
        await asyncio.sleep(0)
        return output_of(context.call_id)


def output_of(call_id: str) -> str:
    return f"output of {call_id}"
