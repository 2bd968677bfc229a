from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

import understudy
from tests.clients.scripted_core import RUN, ScriptedCore, Stream, calls, event
from understudy.follow import number
from understudy.v1.run_pb2 import Run, RunStatus


async def followed(
    core: ScriptedCore,
    folder: Path,
    functions: Mapping[str, Any] | None = None,
    *,
    after: str = "",
    patience: float = 60.0,
) -> list[str]:
    async with core.serving(folder) as address, understudy.connect(address, api_key="k") as client:
        events = understudy.follow(client, RUN, functions=functions, after=after, patience=patience)
        return [event.id async for event in events]


END = event("1-9", run_completed=RUN)
LATER = event("2-9", run_completed=RUN)


@pytest.mark.parametrize(
    ("streams", "seen", "asked"),
    [
        pytest.param([[event("1-1"), END]], ["1-1", "1-9"], [""], id="to its end"),
        pytest.param(
            [[event("1-1"), StatusCode.UNAVAILABLE], [event("1-2"), END]],
            ["1-1", "1-2", "1-9"],
            ["", "1-1"],
            id="past a broken connection",
        ),
        pytest.param(
            [[StatusCode.UNAVAILABLE], [event("1-1"), END]],
            ["1-1", "1-9"],
            ["", ""],
            id="broken before the first event",
        ),
        pytest.param(
            [
                [event("1-1"), StatusCode.INTERNAL],
                [event("1-1"), event("2-1"), event("1-2"), LATER],
            ],
            ["1-1", "2-1", "2-9"],
            ["", "1-1"],
            id="what comes twice, and what a dead attempt had shown, is dropped",
        ),
        pytest.param(
            [[event("1-1"), StatusCode.CANCELLED], [event("1-2"), StatusCode.UNKNOWN], [END]],
            ["1-1", "1-2", "1-9"],
            ["", "1-1", "1-2"],
            id="broken in other words",
        ),
        pytest.param([[]], [], ["", ""], id="nothing after the end"),
        pytest.param(
            [[event("1-1")], [END]], ["1-1", "1-9"], ["", "1-1"], id="ended without its event"
        ),
        pytest.param([[END, StatusCode.UNAVAILABLE]], ["1-9"], [""], id="broken after the end"),
    ],
)
async def test_each_event_comes_once(
    streams: list[Stream], seen: list[str], asked: list[str], tmp_path: Path
) -> None:
    core = ScriptedCore(list(streams))
    assert await followed(core, tmp_path) == seen
    assert [request.after for request in core.asked] == asked
    assert core.keys == {"Bearer k"}


def test_ids_that_are_none_come_first() -> None:
    assert number("2-10") > number("2-9") > number("1-11") > number("1") == number("") == (0, 0)


async def test_a_refusal_is_raised(tmp_path: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await followed(ScriptedCore([[StatusCode.NOT_FOUND]]), tmp_path)
    assert caught.value.code() is StatusCode.NOT_FOUND


async def test_patience_has_an_end(tmp_path: Path) -> None:
    core = ScriptedCore([[StatusCode.UNAVAILABLE] for _ in range(9)])
    with pytest.raises(grpc.aio.AioRpcError):
        await followed(core, tmp_path, patience=0.1)
    assert len(core.streams) > 0


async def test_calls_are_answered_and_the_events_go_on(tmp_path: Path) -> None:
    async def slow(city: str) -> dict[str, str]:
        return {"city": city}

    def plain() -> str:
        return "as it is"

    def wrong(**given: Any) -> str:
        raise LookupError(f"no {given['what']}")

    asking = calls(("slow", '{"city":"Bern"}'), ("plain", ""), ("wrong", '{"what":"luck"}'))
    core = ScriptedCore(
        [
            [event("1-1"), event("1-2", run_requires_action=asking)],
            [],
            [event("2-1"), event("2-2", run_completed=RUN)],
        ],
        refusals=[StatusCode.UNAVAILABLE],
    )
    functions = {"slow": slow, "plain": plain, "wrong": wrong}
    assert await followed(core, tmp_path, functions) == ["1-1", "1-2", "2-1", "2-2"]
    assert [request.after for request in core.asked] == ["", "1-2", "1-2"]
    first, second = core.submitted
    assert first == second
    outputs = {given.tool_call_id: given.output for given in first.tool_outputs}
    assert json.loads(outputs["call_0"]) == {"city": "Bern"}
    assert outputs["call_1"] == "as it is"
    assert json.loads(outputs["call_2"]) == {"error": "LookupError: no luck"}


@pytest.mark.parametrize("arguments", ["[]", "{", '{"unknown": 1}'])
async def test_arguments_that_do_not_fit_are_told_to_the_model(
    arguments: str, tmp_path: Path
) -> None:
    streams: list[Stream] = [
        [event("1-1", run_requires_action=calls(("f", arguments)))],
        [event("2-1", run_completed=RUN)],
    ]
    core = ScriptedCore(streams)
    await followed(core, tmp_path, {"f": lambda city: city})
    assert "error" in json.loads(core.submitted[0].tool_outputs[0].output)


async def test_a_call_without_a_function_ends_the_events(tmp_path: Path) -> None:
    asking = calls(("known", "{}"), ("unknown", "{}"))
    core = ScriptedCore([[event("1-1", run_requires_action=asking)]])
    assert await followed(core, tmp_path, {"known": str}) == ["1-1"]
    assert not core.submitted


async def test_who_joins_later_does_not_answer_again(tmp_path: Path) -> None:
    old = event("1-1", run_requires_action=calls(("f", "{}")))
    core = ScriptedCore([[old, event("2-1"), event("2-2", run_completed=RUN)]])
    assert await followed(core, tmp_path, {"f": str}) == ["1-1", "2-1", "2-2"]
    assert not core.submitted


async def test_a_run_that_waits_is_answered_by_who_has_seen_it_wait(tmp_path: Path) -> None:
    working = Run(id="run_1", thread_id="thread_1", status=RunStatus.RUN_STATUS_IN_PROGRESS)
    core = ScriptedCore(
        [[], [], [event("2-2", run_completed=RUN)]],
        runs=[working, StatusCode.UNAVAILABLE, calls(("f", "{}"))],
    )
    core.streams.insert(0, [])
    assert await followed(core, tmp_path, {"f": lambda: "x"}, after="1-7") == ["2-2"]
    assert [given.tool_outputs[0].output for given in core.submitted] == ["x"]
    assert {request.after for request in core.asked} == {"1-7"}


async def test_leaving_the_loop_ends_the_stream(tmp_path: Path) -> None:
    core = ScriptedCore([[event("1-1"), None]])
    async with core.serving(tmp_path) as address, understudy.connect(address) as client:
        events = understudy.follow(client, RUN)
        async for first in events:
            assert first.id == "1-1"
            break
        await events.aclose()
        await core.left.wait()


async def test_what_a_plain_function_gives_may_be_awaitable(tmp_path: Path) -> None:
    async def later() -> str:
        return "later"

    core = ScriptedCore(
        [
            [event("1-1", run_requires_action=calls(("f", "{}")))],
            [event("2-1", run_completed=RUN)],
        ]
    )
    await followed(core, tmp_path, {"f": lambda: later()})  # noqa: PLW0108  (not a coroutine function)
    assert core.submitted[0].tool_outputs[0].output == "later"


async def test_somebody_else_may_be_quicker(tmp_path: Path) -> None:
    asking = event("1-1", run_requires_action=calls(("f", "{}")))
    core = ScriptedCore(
        [[asking], [event("2-1", run_completed=RUN)]], refusals=[StatusCode.FAILED_PRECONDITION]
    )
    assert await followed(core, tmp_path, {"f": lambda: ""}) == ["1-1", "2-1"]


ASKING = event("1-1", run_requires_action=calls(("f", '{"text": "\\ud83d"}'), ("g", "{}")))


async def test_what_is_cancelled_inside_of_a_function_is_told_to_the_model(tmp_path: Path) -> None:
    async def cancelled(text: str) -> str:
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        return str(await task)

    core = ScriptedCore([[ASKING], [event("2-1", run_completed=RUN)]])
    assert await followed(core, tmp_path, {"f": cancelled, "g": str}) == ["1-1", "2-1"]
    first, second = core.submitted[0].tool_outputs
    assert json.loads(first.output) == {"error": "CancelledError: "}
    assert second.output == ""


async def test_a_plain_function_may_raise_what_no_future_takes(tmp_path: Path) -> None:
    core = ScriptedCore([[ASKING], [event("2-1", run_completed=RUN)]])

    def exhausted(**given: Any) -> str:
        return next(iter(()))

    await followed(core, tmp_path, {"f": exhausted, "g": exhausted})
    for given in core.submitted[0].tool_outputs:
        assert json.loads(given.output) == {"error": "RuntimeError: function raised StopIteration"}


async def test_text_that_cannot_travel_is_mended(tmp_path: Path) -> None:
    core = ScriptedCore([[ASKING], [event("2-1", run_completed=RUN)]])

    def wrong() -> str:
        raise ValueError("\udcff")

    await followed(core, tmp_path, {"f": lambda text: {"text": text}, "g": wrong})
    first, second = core.submitted[0].tool_outputs
    assert first.output == '{"text": "?"}'
    assert second.output == '{"error": "ValueError: ?"}'


async def test_who_is_cancelled_ends_the_functions(tmp_path: Path) -> None:
    core = ScriptedCore([[ASKING]])
    begun, ended = [], []
    both = asyncio.Event()

    async def hanging(**given: Any) -> None:
        begun.append(given)
        if len(begun) == 2:
            both.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(given)

    task = asyncio.create_task(followed(core, tmp_path, {"f": hanging, "g": hanging}))
    await both.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(ended) == 2
    assert not core.submitted


async def test_what_the_loop_raises_is_not_taken_for_a_broken_connection(tmp_path: Path) -> None:
    core = ScriptedCore([[event("1-1"), None]])
    mine = grpc.aio.AioRpcError(StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
    async with core.serving(tmp_path) as address, understudy.connect(address) as client:
        events = understudy.follow(client, RUN)
        await anext(events)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await events.athrow(mine)
        assert caught.value is mine
        await core.left.wait()
    assert len(core.asked) == 1


async def test_closing_the_client_ends_the_events(tmp_path: Path) -> None:
    core = ScriptedCore([[ASKING]])
    async with core.serving(tmp_path) as address, understudy.connect(address) as client:

        async def closing(**given: Any) -> str:
            await client.close()
            return ""

        functions = {"f": closing, "g": closing}
        with pytest.raises(grpc.aio.UsageError):
            async for _ in understudy.follow(client, RUN, functions=functions, patience=1e9):
                pass
    assert not core.submitted
