"""What is kept of the requests to a model: with which step, for how long, and how much of it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.runs.scripted import Script, ScriptedModels, Step, Wait, calls, says
from tests.server.runs.world import Core, World, caller, follow, function, open_world
from understudy.v1 import run_pb2, run_step_pb2
from understudy_server.errors import NotFound
from understudy_server.models.port import (
    ModelError,
    ModelRequest,
    Resolved,
    Sent,
    TextDelta,
    ToolCallStarted,
)
from understudy_server.rpc.runs import Begun
from understudy_server.runs import model_calls
from understudy_server.runs.turn import MAX_SAID

STUCK: list[Step] = [TextDelta(text="Well"), Wait()]


def sent(body: object = None, **fields: Any) -> Sent:
    given = body if isinstance(body, bytes) else orjson.dumps(body or {"a": 1})
    return Sent(**{"dialect": "chat", "url": "http://127.0.0.1/v1", "body": given} | fields)


def telling(*script: Step) -> Any:
    """A script that first tells how many items it was sent, if it is asked to."""

    def play(request: ModelRequest) -> list[Step]:
        told = [sent({"items": len(request.items)})] if request.show_sent else []
        return [*told, *script]

    return play


async def _ended(world: World[Any], core: Core, *tools: str) -> Begun:
    thread = await world.thread(core, "Hi")
    assistant = await world.assistant(core, tools=[function(name) for name in tools])
    begun = await world.run(core, thread, assistant)
    await world.clock.run_until(follow(core, begun))
    return begun


async def call_of(core: Core, begun: Begun, step_id: str) -> run_step_pb2.RunStepModelCall:
    request = run_step_pb2.GetRunStepModelCallRequest(
        thread_id=begun.spec.run.thread_id, run_id=begun.spec.run.id, step_id=step_id
    )
    return await core.steps.model_call(caller(), request)


async def test_a_step_shows_what_the_model_was_sent() -> None:
    async with open_world(ScriptedModels(telling(*says("Done")))) as world:
        world.keep_model_requests = True
        core = world.core()
        begun = await _ended(world, core)
        (step,) = await world.steps(core, begun)
        run = begun.spec.run
        assert await call_of(core, begun, step.id) == run_step_pb2.RunStepModelCall(
            step_id=step.id,
            run_id=run.id,
            thread_id=run.thread_id,
            created_at=step.created_at,
            provider="test",
            dialect="chat",
            requested_model="scripted",
            model="scripted",
            url="http://127.0.0.1/v1",
            attempt=1,
            round=0,
            body=b'{"items":1}',
        )


async def test_an_alias_is_shown_with_what_it_stands_for() -> None:
    class Aliased(ScriptedModels):
        def resolve(self, name: str) -> Resolved:
            return Resolved(provider="p", model="new", context_window=1000, alias_of=name)

    async with open_world(Aliased(telling(*says("Done")))) as world:
        world.keep_model_requests = True
        core = world.core()
        begun = await _ended(world, core)
        (step,) = await world.steps(core, begun)
        call = await call_of(core, begun, step.id)
        assert (call.provider, call.requested_model, call.model) == ("p", "scripted", "new")


async def test_nobody_is_asked_and_nothing_kept_unless_it_is_wanted() -> None:
    async with open_world(ScriptedModels(telling(*says("Done")))) as world:
        begun = await _ended(world, world.core())
        assert not world.models.requests[0].show_sent
        left = await world.left(begun.spec.run.thread_id)
        assert not [kind for kind in left if kind.startswith("model-call")]


async def test_steps_of_one_call_share_it_and_each_round_has_its_own() -> None:
    models = ScriptedModels(telling(*calls("f", said="Let me see.")), telling(*says("Done")))
    async with open_world(models) as world:
        world.keep_model_requests = True
        core = world.core()
        begun = await _ended(world, core, "f")
        again = await world.submit(core, begun, call_f="1")
        await world.clock.run_until(follow(core, again))
        said, called, done = [
            await call_of(core, begun, step.id) for step in await world.steps(core, begun)
        ]
        assert (said.body, said.round) == (called.body, called.round) == (b'{"items":1}', 0)
        assert said.step_id != called.step_id
        # The question, what was said before the call, the call and its output.
        assert (done.body, done.round) == (b'{"items":4}', 1)
        kinds = await world.left(begun.spec.run.thread_id)
        assert kinds.count(f"model-call/{begun.spec.run.id}") == 2


async def test_of_a_request_that_is_repeated_the_last_try_counts() -> None:
    gate = asyncio.Event()
    tries = [sent({"try": 1}), Wait(gate), sent({"try": 2}), *says("Done")]
    async with open_world(ScriptedModels(tries)) as world:
        world.keep_model_requests = True
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(7)
        gate.set()
        await world.clock.run_until(follow(core, begun))
        (step,) = await world.steps(core, begun)
        call = await call_of(core, begun, step.id)
        assert call.body == b'{"try":2}'
        assert call.created_at == begun.state.created_at + 7


async def test_a_step_that_does_not_end_well_shows_it_too() -> None:
    failing: Script = [TextDelta(text="Well"), ModelError("server_error", "gone", partial=True)]
    async with open_world(ScriptedModels(telling(*failing), telling(*STUCK))) as world:
        world.keep_model_requests = True
        core = world.core()
        failed = await _ended(world, core)
        (step,) = await world.steps(core, failed)
        assert step.status == run_step_pb2.RUN_STEP_STATUS_FAILED
        assert (await call_of(core, failed, step.id)).body == b'{"items":1}'

        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.advance(1)
        (step,) = await world.steps(core, begun)
        assert step.status == run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS
        shown = await call_of(core, begun, step.id)
        await world.cancel(core, begun)
        await world.clock.advance(1)
        (step,) = await world.steps(core, begun)
        assert step.status == run_step_pb2.RUN_STEP_STATUS_CANCELLED
        assert await call_of(core, begun, step.id) == shown


async def test_after_a_takeover_each_step_shows_what_its_own_attempt_sent() -> None:
    stuck: Script = [sent({"by": "the first"}), *STUCK]
    done: Script = [sent({"by": "the second"}), *says("Done")]
    async with open_world(ScriptedModels(stuck, done)) as world:
        world.keep_model_requests = True
        first, second = world.core(), world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(1)
        await first.kill()
        await world.clock.run_until(follow(second, begun))
        failed, completed = [
            await call_of(second, begun, step.id) for step in await world.steps(second, begun)
        ]
        assert (failed.body, failed.attempt, failed.round) == (b'{"by":"the first"}', 1, 0)
        assert (completed.body, completed.attempt) == (b'{"by":"the second"}', 2)
        assert completed.round == 0


async def test_of_an_attempt_that_died_before_its_step_nothing_stays() -> None:
    stuck: Script = [sent({"by": "the first"}), Wait()]
    done: Script = [sent({"by": "the second"}), *says("Done")]
    async with open_world(ScriptedModels(stuck, done)) as world:
        world.keep_model_requests = True
        first, second = world.core(), world.core()
        thread = await world.thread(first, "Hi")
        begun = await world.run(first, thread, await world.assistant(first))
        await world.clock.advance(1)
        await first.kill()
        await world.clock.run_until(follow(second, begun))
        (step,) = await world.steps(second, begun)
        assert (await call_of(second, begun, step.id)).body == b'{"by":"the second"}'
        assert (await world.left(thread)).count(f"model-call/{begun.spec.run.id}") == 1


async def test_it_goes_with_its_thread_and_leaves_nothing() -> None:
    async with open_world(ScriptedModels(telling(*says("Done")))) as world:
        world.keep_model_requests = True
        core = world.core()
        begun = await _ended(world, core)
        (step,) = await world.steps(core, begun)
        thread = begun.spec.run.thread_id
        await world.delete_thread(core, thread)
        with pytest.raises(NotFound):
            await call_of(core, begun, step.id)
        await world.clock.advance(10)
        assert await world.left(thread) == ["head"]


@pytest.mark.parametrize("opening", ["text", "call"])
async def test_the_largest_request_and_the_largest_first_word_fit_one_commit(opening: str) -> None:
    body = {"model": "m", "messages": [{"content": "x" * 70_000} for _ in range(40)]}
    word = "é" * (MAX_SAID // 2 - 10)
    first: Step = (
        TextDelta(text=word)
        if opening == "text"
        else ToolCallStarted(index=0, call_id=word, name="f")
    )
    reason = "stop" if opening == "text" else "tool_calls"
    script = [sent(body), first, *says(reason=reason)]
    async with open_world(ScriptedModels(script)) as world:
        world.keep_model_requests = True
        core = world.core()
        begun = await _ended(world, core, "f")
        state = await world.state(core, begun)
        assert state.status in {run_pb2.RUN_STATUS_COMPLETED, run_pb2.RUN_STATUS_REQUIRES_ACTION}
        (step,) = await world.steps(core, begun)
        call = await call_of(core, begun, step.id)
        assert call.truncated
        kept = orjson.loads(call.body)
        assert (kept["model"], len(kept["messages"])) == ("m", 40)
        assert "characters left out" in kept["messages"][0]["content"]


def test_what_fits_is_kept_byte_for_byte() -> None:
    body = b'{ "z" : 1.0 , "a" : "' + b"x" * (model_calls.MAX_BODY_BYTES - 23) + b'"}'
    assert len(body) == model_calls.MAX_BODY_BYTES
    assert _kept(body) == (body, False)
    larger = body.replace(b'"}', b'x"}')
    kept, truncated = _kept(larger)
    assert truncated
    assert len(kept) < len(larger)
    assert list(orjson.loads(kept)) == ["z", "a"]


def _kept(body: bytes) -> tuple[bytes, bool]:
    call = model_calls.record(
        sent(body),
        run=run_pb2.Run(),
        resolved=Resolved(provider="p", model="m", context_window=1),
        requested_model="m",
        attempt=1,
        round=0,
        now=0,
    ).call
    return call.body, call.truncated


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ({"a": "x" * 70, "b": 1}, 200, {"a": "x" * 70, "b": 1}),
        (
            {"a": "x" * 300, "b": 2**60},
            250,
            {"a": "x" * 32 + " [236 characters left out] " + "x" * 32, "b": 2**60},
        ),
        (
            {"a": [*range(100)]},
            250,
            {"a": [*range(32), "[36 items left out]", *range(68, 100)]},
        ),
        ({"a": {"b": "x" * 30}}, 20, {"a": "[38 bytes left out]"}),
        ({"a": {f"{n}": n for n in range(99)}, "b": 7}, 60, None),
    ],
)
def test_what_does_not_fit_loses_its_middle(value: Any, limit: int, expected: Any) -> None:
    shorter = orjson.loads(model_calls.shorten(orjson.dumps(value), limit))
    if expected is None:
        size = len(orjson.dumps(value["a"]))
        expected = {"a": f"[{size} bytes left out]", "b": "[1 bytes left out]"}
    assert shorter == expected


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    lambda inner: st.lists(inner, max_size=90) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=200,
)


@settings(derandomize=True, deadline=None, database=None)
@given(st.dictionaries(st.sampled_from("abcdef"), _JSON, min_size=1), st.integers(300, 4000))
def test_it_always_fits_and_keeps_its_names(value: dict[str, Any], limit: int) -> None:
    body = orjson.dumps(value)
    shorter = model_calls.shorten(body, limit)
    assert len(shorter) <= limit
    assert list(orjson.loads(shorter)) == list(value)
