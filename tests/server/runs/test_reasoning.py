"""Encrypted reasoning: kept with the step that it led to, and given back before it."""

from __future__ import annotations

import asyncio

from tests.server.runs.scripted import ScriptedModels, Step, Wait, finished, says
from tests.server.runs.world import follow, function, open_world
from understudy_server.models.port import (
    Item,
    Message,
    Opaque,
    OpaqueItem,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    ToolOutput,
)
from understudy_server.runs import machine
from understudy_server.tools.port import CallContext, FunctionDefinition


def _thinks(*said: str) -> list[Step]:
    """A turn, word by word: ``think a``, ``say b``, ``call f``."""
    steps: list[Step] = []
    calls = 0
    for word in said:
        kind, _, what = word.partition(" ")
        if kind == "think":
            steps.append(OpaqueItem(json=what.encode()))
        elif kind == "say":
            steps.append(TextDelta(text=what))
        else:
            steps.append(ToolCallStarted(index=calls, call_id=f"call_{what}", name=what))
            calls += 1
    return [*steps, finished("tool_calls")]


def _told(items: tuple[Item, ...]) -> list[str]:
    """The run's own part of a request, in the same words."""
    told = []
    for item in items[1:]:
        match item:
            case Opaque(json=json):
                told.append(f"think {json.decode()}")
            case Message(parts=(part,)):
                told.append(f"say {part.text}")  # type: ignore[union-attr]  # all parts are texts here
            case ToolCall(name=name):
                told.append(f"call {name}")
            case ToolOutput(output=output):
                told.append(output)
            case _:
                raise AssertionError(item)
    return told


async def _asked_again(models: ScriptedModels) -> list[str]:
    """What the model is told when the application has answered ``f`` and ``g``."""
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        tools = [function("f"), function("g")]
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        await world.clock.run_until(follow(core, begun))
        state = await world.state(core, begun)
        outputs = {c.id: "out" for c in state.required_action.submit_tool_outputs.tool_calls}
        again = await world.submit(core, begun, **outputs)
        await world.clock.run_until(follow(core, again))
        assert (await world.state(core, begun)).status == machine.COMPLETED
        return _told(models.requests[1].items)


async def test_it_stays_before_what_it_led_to() -> None:
    for said, told in (
        (("think 1", "call f"), ["think 1", "call f", "out"]),
        (("think 1", "think 2", "call f"), ["think 1", "think 2", "call f", "out"]),
        (
            ("think 1", "say a", "call f"),
            ["think 1", "say a", "call f", "out"],
        ),
        (
            ("think 1", "say a", "think 2", "call f"),
            ["think 1", "say a", "think 2", "call f", "out"],
        ),
        (
            ("think 1", "call f", "call g", "think 2", "say a"),
            ["think 1", "think 2", "call f", "call g", "out", "out", "say a"],
        ),
    ):
        assert await _asked_again(ScriptedModels(_thinks(*said), says("Done"))) == told


async def test_it_is_kept_while_the_run_waits_and_its_core_is_gone() -> None:
    models = ScriptedModels(_thinks("think 1", "say a", "think 2", "call f"), says("Done"))
    async with open_world(models) as world:
        first = world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first, tools=[function("f")]))
        await world.clock.run_until(follow(first, begun))
        await first.kill()
        second = world.core()
        again = await world.submit(second, begun, call_f="out")
        await world.clock.run_until(follow(second, again))
        assert _told(models.requests[1].items) == [
            "think 1",
            "say a",
            "think 2",
            "call f",
            "out",
        ]


class _Held:
    """Implements ``Functions``: ``f`` answers when ``gate`` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    def names(self) -> frozenset[str]:
        return frozenset({"f"})

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        return ()

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        del name, arguments, context
        await self.gate.wait()
        return "out"


async def test_a_takeover_gives_it_back_too() -> None:
    models = ScriptedModels(_thinks("think 1", "call f"), says("Done"))
    held = _Held()
    async with open_world(models, functions=held) as world:
        first = world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first, tools=[function("f")]))
        await world.clock.advance(1)
        await first.kill()
        held.gate.set()
        second = world.core()
        await world.clock.run_until(follow(second, begun))
        assert _told(models.requests[1].items) == ["think 1", "call f", "out"]


async def test_of_a_turn_that_was_abandoned_none_is_given_back() -> None:
    models = ScriptedModels([OpaqueItem(json=b"1"), TextDelta(text="Hel"), Wait()], says("Hello"))
    async with open_world(models) as world:
        first = world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(1)
        await first.kill()
        second = world.core()
        await world.clock.run_until(follow(second, begun))
        assert (await world.state(second, begun)).status == machine.COMPLETED
        assert _told(models.requests[1].items) == []
