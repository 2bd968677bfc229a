"""The way of a run, from its creation to its end, as one core makes it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.runs.scripted import ScriptedModels, Step, Wait, calls, finished, says
from tests.server.runs.world import (
    follow,
    function,
    ids,
    names,
    open_world,
    said,
    text_of,
)
from understudy.v1 import message_pb2, run_pb2, run_step_pb2
from understudy_server.models.port import (
    Finished,
    ModelError,
    RefusalDelta,
    Resolved,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from understudy_server.runs import machine
from understudy_server.store import tables

BEGIN = ["run_created", "run_queued", "run_in_progress"]
OPEN = ["step_created", "step_in_progress", "message_created", "message_in_progress"]
CLOSE = ["message_completed", "step_completed"]


async def test_happy_path_events_and_ids() -> None:
    async with open_world(ScriptedModels(says("Hel", "lo", "!"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events) == [*BEGIN, *OPEN, *["message_delta"] * 3, *CLOSE, "run_completed"]
        assert ids(events) == [f"1-{n}" for n in range(1, 14)]
        assert said(events) == "Hello!"
        assert ids(await world.log(begun)) == ids(events)
        question, answer = await world.messages(core, thread)
        assert (text_of(question), text_of(answer)) == ("Hi", "Hello!")
        assert answer == events[-3].message_completed
        (step,) = await world.steps(core, begun)
        assert step.step_details.message_creation.message_id == answer.id
        assert step.status == run_step_pb2.RUN_STEP_STATUS_COMPLETED
        run = await world.state(core, begun)
        assert run.usage == step.usage
        assert (run.usage.prompt_tokens, run.usage.total_tokens) == (10, 13)
        assert not (await world.head(thread)).active_run


async def test_a_first_delta_is_shown_only_after_its_commit_and_later_ones_at_once() -> None:
    gate = asyncio.Event()
    models = ScriptedModels([TextDelta(text="a"), TextDelta(text="b"), Wait(gate), finished()])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        reading = asyncio.create_task(follow(core, begun))
        await world.clock.advance(0)
        feed = core.live.subscribe(begun.spec.run.id)
        assert feed is not None
        assert said(feed.take()) == "b", "shown, and not yet logged"
        assert said(await world.log(begun)) == "a"
        await world.clock.advance(0.2)
        assert said(await world.log(begun)) == "ab", "logged in the background"
        gate.set()
        assert said(await world.until(reading)) == "ab"


async def test_a_refusal_is_a_part_of_its_own() -> None:
    script: list[Step] = [
        TextDelta(text="I "),
        RefusalDelta(text="can"),
        RefusalDelta(text="not"),
        finished(),
    ]
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        _, answer = await world.messages(core, thread)
        assert [part.WhichOneof("part") for part in answer.content] == ["text", "refusal"]
        assert answer.content[1].refusal == "cannot"


async def test_an_empty_answer_completes_the_run_without_a_message() -> None:
    async with open_world(ScriptedModels([finished()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events) == [*BEGIN, "run_completed"]
        assert events[-1].run_completed.usage.total_tokens == 13


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("server_error", run_pb2.RUN_ERROR_CODE_SERVER_ERROR),
        ("rate_limit_exceeded", run_pb2.RUN_ERROR_CODE_RATE_LIMIT_EXCEEDED),
        ("invalid_prompt", run_pb2.RUN_ERROR_CODE_INVALID_PROMPT),
    ],
)
async def test_an_error_of_the_model_fails_the_run(code: Any, expected: Any) -> None:
    script: list[Step] = [TextDelta(text="Well"), ModelError(code, "no luck")]
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-3:] == ["message_incomplete", "step_failed", "run_failed"]
        failed = events[-1].run_failed
        assert (failed.last_error.code, failed.last_error.message) == (expected, "no luck")
        _, answer = await world.messages(core, thread)
        assert text_of(answer) == "Well"
        assert answer.incomplete_details.reason == message_pb2.MESSAGE_INCOMPLETE_REASON_RUN_FAILED


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([TextDelta(text="Well"), ValueError("secret")], id="raises"),
        pytest.param([TextDelta(text="Well")], id="ends without Finished"),
        pytest.param([ToolCallDelta(index=3, arguments="{}")], id="a call that never began"),
    ],
)
async def test_a_model_that_breaks_its_contract_fails_the_run(script: Any) -> None:
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        error = events[-1].run_failed.last_error
        assert error.code == run_pb2.RUN_ERROR_CODE_SERVER_ERROR
        assert "secret" not in error.message
        assert not (await world.head(thread)).active_run


async def test_what_a_model_says_after_its_end_is_not_heard() -> None:
    script: list[Step] = [TextDelta(text="a"), finished(), TextDelta(text="b"), ValueError("late")]
    models = ScriptedModels(script)
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_completed"
        assert said(events) == "a"
        assert models.open == 0


@pytest.mark.parametrize(
    ("finish", "reason", "message"),
    [
        (
            "length",
            run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS,
            message_pb2.MESSAGE_INCOMPLETE_REASON_MAX_TOKENS,
        ),
        ("content_filter", 0, message_pb2.MESSAGE_INCOMPLETE_REASON_CONTENT_FILTER),
    ],
)
async def test_an_answer_that_is_cut_off_makes_an_incomplete_run(
    finish: Any, reason: Any, message: Any
) -> None:
    async with open_world(ScriptedModels(says("Well", reason=finish))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        ended = events[-1].run_incomplete
        assert ended.incomplete_details.reason == reason
        assert ended.HasField("incomplete_details")
        assert ended.usage.total_tokens == 13
        _, answer = await world.messages(core, thread)
        assert answer.incomplete_details.reason == message


async def test_an_answer_without_end_is_cut_off_before_it_is_too_large_to_store() -> None:
    endless: list[Step] = [TextDelta(text="x" * 10_000)] * 60
    async with open_world(ScriptedModels([*endless, finished()])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_incomplete"
        _, answer = await world.messages(core, thread)
        assert said(events) == text_of(answer)
        assert len(text_of(answer)) == 280_000


async def test_rounds_of_tool_calls() -> None:
    models = ScriptedModels(calls("f", "g", said="Let me see"), calls("h"), says("Done"))
    async with open_world(models) as world:
        core = world.core()
        tools = [function("f"), function("g"), function("h")]
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        first = await world.clock.run_until(follow(core, begun))
        assert names(first) == [
            *BEGIN,
            *OPEN,
            "message_delta",
            *CLOSE,
            "step_created",
            "step_in_progress",
            *["step_delta"] * 4,
            "run_requires_action",
        ]
        action = first[-1].run_requires_action.required_action.submit_tool_outputs
        assert [call.id for call in action.tool_calls] == ["call_f", "call_g"]
        assert not (await world.head(thread)).holder
        again = await world.submit(core, begun, call_g="2", call_f="1")
        second = await world.clock.run_until(follow(core, again))
        assert names(second)[:3] == ["step_completed", "run_queued", "run_in_progress"]
        assert [
            c.function.output for c in second[0].step_completed.step_details.tool_calls.tool_calls
        ] == ["1", "2"]
        last = await world.submit(core, begun, call_h="3")
        third = await world.clock.run_until(follow(core, last))
        assert names(third)[-1] == "run_completed"
        assert third[-1].run_completed.usage.total_tokens == 3 * 13
        assert ids([*first, *second, *third]) == ids(await world.log(begun))
        kinds = [type(item).__name__ for item in models.requests[2].items]
        assert kinds == [
            "Message",
            "Message",
            *["ToolCall"] * 2,
            *["ToolOutput"] * 2,
            "ToolCall",
            "ToolOutput",
        ]
        assert [text_of(m) for m in await world.messages(core, thread)] == [
            "Hi",
            "Let me see",
            "Done",
        ]


async def test_text_after_the_calls_is_a_message_and_the_step_of_calls_stays_open() -> None:
    script: list[Step] = [
        ToolCallStarted(index=0, call_id="call_f", name="f"),
        ToolCallDelta(index=0, arguments="{}"),
        TextDelta(text="I called"),
        finished("tool_calls"),
    ]
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        await world.clock.run_until(follow(core, begun))
        assert [text_of(m) for m in await world.messages(core, thread)] == ["Hi", "I called"]
        await world.cancel(core, begun)
        calling, writing = await world.steps(core, begun)
        assert calling.status == run_step_pb2.RUN_STEP_STATUS_CANCELLED
        assert writing.status == run_step_pb2.RUN_STEP_STATUS_COMPLETED
        assert names(await world.log(begun))[-3:] == [
            "run_cancelling",
            "step_cancelled",
            "run_cancelled",
        ]


async def test_budgets_of_tokens_stop_the_run() -> None:
    models = ScriptedModels(calls("f"), says("never"))
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        assistant = await world.assistant(core, tools=[function("f")])
        begun = await world.run(core, thread, assistant, max_completion_tokens=3)
        await world.clock.run_until(follow(core, begun))
        again = await world.submit(core, begun, call_f="1")
        events = await world.clock.run_until(follow(core, again))
        reason = events[-1].run_incomplete.incomplete_details.reason
        assert reason == run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS
        assert len(models.requests) == 1
        assert models.requests[0].max_output_tokens == 3


async def test_a_run_expires_while_the_model_stalls() -> None:
    gate = asyncio.Event()
    models = ScriptedModels([TextDelta(text="Well"), Wait(gate)])
    async with open_world(models) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-3:] == ["message_incomplete", "step_expired", "run_expired"]
        assert begun.state.expires_at <= world.clock.wall() / 1e6 < begun.state.expires_at + 1
        assert models.open == 0


async def test_a_run_that_waits_for_outputs_expires() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        await world.clock.run_until(follow(core, begun))
        await world.clock.advance(machine.EXPIRES_AFTER + 3)
        assert (await world.state(core, begun)).status == machine.EXPIRED
        (step,) = await world.steps(core, begun)
        assert step.status == run_step_pb2.RUN_STEP_STATUS_EXPIRED
        assert not (await world.head(thread)).active_run


async def test_a_long_stall_keeps_the_lease() -> None:
    gate = asyncio.Event()
    async with open_world(ScriptedModels([Wait(gate), *says("Done")])) as world:
        core = world.core()
        world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(300)
        gate.set()
        events = await world.clock.run_until(follow(core, begun))
        assert names(events)[-1] == "run_completed"
        assert events[-1].id.startswith("1-"), "nobody took it over"


async def test_a_model_that_is_gone_fails_the_run() -> None:
    async with open_world(ScriptedModels(calls("f"), says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
        await world.clock.run_until(follow(core, begun))
        world.models.resolve = lambda name: ScriptedModels([]).resolve("missing")  # type: ignore[method-assign]
        again = await world.submit(core, begun, call_f="1")
        events = await world.clock.run_until(follow(core, again))
        assert "does not exist" in events[-1].run_failed.last_error.message


async def test_usage_that_a_provider_does_not_send_counts_as_zero() -> None:
    async with open_world(ScriptedModels([TextDelta(text="a"), Finished(reason="stop")])) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        events = await world.clock.run_until(follow(core, begun))
        assert events[-1].run_completed.usage == machine.no_usage()


class Renaming(ScriptedModels):
    """An alias stands behind every name."""

    def resolve(self, name: str) -> Resolved:
        return Resolved(provider="p", model="new", context_window=9_000, alias_of=name)


async def test_a_replaced_model_is_recorded_and_logged_once() -> None:
    async with open_world(Renaming(says("a"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        assistant = await world.assistant(core)
        with capture_logs() as logs:
            begun = await world.run(core, thread, assistant)
            await world.clock.run_until(follow(core, begun))
        (line,) = [entry for entry in logs if entry["event"] == "model_replaced"]
        assert (line["requested"], line["served"]) == ("scripted", "p/new")
        assert line["run_id"] == begun.spec.run.id
        row = await tables.runs.get(world.memory, begun.partition, begun.spec.run.id)
        assert row is not None
        assert (row.body.requested_model, row.body.served_model) == ("scripted", "p/new")
        assert (await world.state(core, begun)).model == "scripted"
