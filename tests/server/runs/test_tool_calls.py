"""Calls that the server answers itself: the run goes on without the application."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.server.runs.scripted import ScriptedModels, calls, says
from tests.server.runs.world import follow, function, ids, names, open_world, text_of
from understudy.v1 import run_pb2
from understudy_server.models.port import ToolCall, ToolOutput
from understudy_server.runs import machine
from understudy_server.tools.port import CallContext, FunctionDefinition


class Served:
    """Implements ``Functions``: each name answers with its text when its gate is open."""

    def __init__(self, **outputs: str) -> None:
        self._outputs = outputs
        self.gates: dict[str, asyncio.Event] = {}
        self.called: list[tuple[str, str, CallContext]] = []
        self.cancelled: list[str] = []

    def names(self) -> frozenset[str]:
        return frozenset(self._outputs)

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        return tuple(
            FunctionDefinition(
                name=name, description=f"does {name}", parameters=b'{"type":"object"}'
            )
            for name in self._outputs
        )

    def hold(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        self.called.append((name, arguments, context))
        try:
            if name in self.gates:
                await self.gates[name].wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        return self._outputs[name]


async def test_the_run_goes_on_by_itself() -> None:
    served = Served(f="1", g="2")
    models = ScriptedModels(calls("f", "g"), says("Done"))
    async with open_world(models, functions=served) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        tools = [function("f"), function("g")]
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events) == [
            *("run_created", "run_queued", "run_in_progress"),
            *("step_created", "step_in_progress", "step_delta", "step_delta"),
            *("step_delta", "step_delta"),
            *("step_delta", "step_delta", "step_completed"),
            *("step_created", "step_in_progress", "message_created", "message_in_progress"),
            *("message_delta", "message_completed", "step_completed", "run_completed"),
        ]
        outputs = [
            call.function.output.text
            for event in events
            if event.HasField("step_delta")
            for call in event.step_delta.delta.step_details.tool_calls.tool_calls
            if call.function.output.WhichOneof("value") == "text"
        ]
        assert sorted(outputs) == ["1", "2"]
        made, wrote = await world.steps(core, begun)
        assert [c.function.output for c in made.step_details.tool_calls.tool_calls] == ["1", "2"]
        assert made.usage.total_tokens == wrote.usage.total_tokens == 13
        assert (await world.state(core, begun)).usage.total_tokens == 26
        _, *rest = models.requests[1].items
        assert rest == [
            ToolCall(call_id="call_f", name="f", arguments="{}"),
            ToolCall(call_id="call_g", name="g", arguments="{}"),
            ToolOutput(call_id="call_f", output="1"),
            ToolOutput(call_id="call_g", output="2"),
        ]
        name, arguments, context = served.called[0]
        assert (name, arguments) == ("f", "{}")
        assert (context.run_id, context.thread_id) == (begun.spec.run.id, thread)
        assert context.call_id == "call_f"
        assert ids(events) == ids(await world.log(begun))


async def test_a_turn_that_mixes_both_asks_for_the_rest_only() -> None:
    models = ScriptedModels(calls("f", "theirs"), says("Done"))
    async with open_world(models, functions=Served(f="1")) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        tools = [function("f"), function("theirs")]
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        await world.clock.run_until(follow(core, begun))
        state = await world.state(core, begun)
        asked = state.required_action.submit_tool_outputs.tool_calls
        assert [call.id for call in asked] == ["call_theirs"]
        (step,) = await world.steps(core, begun)
        first, second = step.step_details.tool_calls.tool_calls
        assert (first.function.output, second.function.HasField("output")) == ("1", False)
        again = await world.submit(core, begun, call_theirs="2")
        events = await world.clock.run_until(follow(core, again))
        assert names(events)[0] == "step_completed"
        assert names(events)[-1] == "run_completed"
        assert [i.output for i in models.requests[1].items if isinstance(i, ToolOutput)] == [
            "1",
            "2",
        ]
        repeated = await world.submit(core, begun, call_theirs="2")
        assert repeated.state.status == machine.COMPLETED


async def test_what_the_run_was_not_given_is_not_run() -> None:
    served = Served(f="1", g="2")
    models = ScriptedModels(calls("f", "g"), says("Done"))
    async with open_world(models, functions=served) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        await world.clock.run_until(follow(core, begun))
        assert [name for name, _, _ in served.called] == ["f"]
        state = await world.state(core, begun)
        asked = state.required_action.submit_tool_outputs.tool_calls
        assert [call.function.name for call in asked] == ["g"]


async def test_what_an_assistant_leaves_out_the_function_says() -> None:
    models = ScriptedModels(says("Done"))
    async with open_world(models, functions=Served(f="1")) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(
            core, thread, await world.assistant(core, tools=[{"function": {"name": "f"}}])
        )
        await world.clock.run_until(follow(core, begun))
        (tool,) = models.requests[0].tools
        assert (tool.description, tool.parameters) == ("does f", b'{"type":"object"}')


async def test_a_takeover_keeps_what_has_finished_and_repeats_the_rest_under_the_same_id() -> None:
    served = Served(f="1", g="2")
    gate = served.hold("g")
    models = ScriptedModels(calls("f", "g"), says("Done"))
    async with open_world(models, functions=served) as world:
        first = world.core()
        thread = await world.thread(first, "Hi")
        tools = [function("f"), function("g")]
        begun = await world.run(first, thread, await world.assistant(first, tools=tools))
        await world.clock.advance(1)
        await first.kill()
        second = world.core()
        gate.set()
        events = await world.clock.run_until(follow(second, begun))
        assert names(events)[-1] == "run_completed"
        assert [name for name, _, _ in served.called] == ["f", "g", "g"]
        assert {context.call_id for name, _, context in served.called if name == "g"} == {"call_g"}
        assert "step_failed" not in names(events)
        assert len(await world.steps(second, begun)) == 2


@pytest.mark.parametrize("why", ["cancel", "expiry", "drain"])
async def test_a_function_that_hangs_does_not_hold_the_run(why: str) -> None:
    served = Served(f="1")
    gate = served.hold("f")
    async with open_world(ScriptedModels(calls("f"), says("Done")), functions=served) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        await world.clock.advance(60)
        assert (await world.state(core, begun)).status == machine.IN_PROGRESS, "its lease is kept"
        if why == "cancel":
            await world.cancel(core, begun)
            await world.clock.advance(1)
            expected: Any = machine.CANCELLED
        elif why == "expiry":
            await world.clock.advance(600)
            expected = machine.EXPIRED
        else:
            await world.clock.run_until(core.worker.stop())
            gate.set()
            other = world.core()
            await world.clock.run_until(follow(other, begun))
            expected = machine.COMPLETED
        assert (await world.state(core, begun)).status == expected
        assert served.cancelled == ["f"]


async def test_outputs_that_are_too_large_together_are_told_to_the_model() -> None:
    served = Served(f="x" * 300_000, g="y" * 300_000)
    models = ScriptedModels(calls("f", "g"), says("Done"))
    async with open_world(models, functions=served) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        tools = [function("f"), function("g")]
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        await world.clock.run_until(follow(core, begun))
        assert (await world.state(core, begun)).status == run_pb2.RUN_STATUS_COMPLETED
        outputs = [i.output for i in models.requests[1].items if isinstance(i, ToolOutput)]
        assert sorted(map(len, outputs))[1] == 300_000
        assert "error" in orjson.loads(min(outputs, key=len))
        *_, answer = await world.messages(core, thread)
        assert text_of(answer) == "Done"
