"""Calls: what the model reads, whatever the function does."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.clock import FakeClock, idle
from understudy_server.clock import SystemClock
from understudy_server.tools import CallContext, function
from understudy_server.tools.port import Functions
from understudy_server.tools.registry import Registry
from understudy_server.tools.schema import InvalidFunction

CONTEXT = CallContext(
    project="p", thread_id="thread_1", run_id="run_1", assistant_id="asst_1", call_id="call_1"
)


def registry(*functions: Callable[..., Any], **options: Any) -> Functions:
    return Registry(functions, **{"clock": SystemClock(), **options})


async def call(offered: Functions, arguments: str = "{}", name: str = "f") -> str:
    return await offered.call(name, arguments, context=CONTEXT)


def returning(value: Any) -> Callable[..., Any]:
    return function(name="f")(lambda: value)


class Color(StrEnum):
    RED = "red"


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ([float("nan"), float("-inf")], '["NaN","-Infinity"]'),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ((1, 2), "[1,2]"),
        (Point(x=1), '{"x":1}'),
        (Color.RED, '"red"'),
        ("half \ud800", "half ?"),
    ],
)
async def test_results(value: Any, output: str) -> None:
    assert await call(registry(returning(value))) == output


@pytest.mark.parametrize("value", [object(), iter([1]), {"a": threading.Lock()}, ["x\ud800"]])
async def test_a_result_without_words(value: Any) -> None:
    told = json.loads(await call(registry(returning(value))))
    assert told["error"].startswith("The function's result cannot be written as JSON")


async def test_sync_functions_run_on_a_thread_and_async_ones_on_the_loop() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    variable.set("carried over")

    @function
    def on_thread() -> list[Any]:
        return [threading.current_thread() is threading.main_thread(), variable.get()]

    @function
    async def on_loop(a: int, call_id: str, context: CallContext) -> list[Any]:
        await asyncio.sleep(0)
        return [a, call_id, context.run_id]

    offered = registry(on_thread, on_loop)
    assert offered.names() == {"on_thread", "on_loop"}
    assert [each.name for each in offered.definitions()] == ["on_thread", "on_loop"]
    assert json.loads(await call(offered, name="on_thread")) == [False, "carried over"]
    assert json.loads(await call(offered, '{"a": 1}', "on_loop")) == [1, "call_1", "run_1"]


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> tuple[Callable[..., Any], Callable[..., Any]]:
    @function(name="f")
    def sync() -> None:
        raise error

    @function(name="f")
    async def coroutine() -> None:
        raise error

    return sync, coroutine


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such city"), "The function failed: ValueError: no such city"),
        (Wordless(), "The function failed: Wordless"),
        (TimeoutError(), "The function failed: TimeoutError"),
        (SystemExit(3), "The function failed: SystemExit: 3"),
        (KeyboardInterrupt(), "The function failed: KeyboardInterrupt"),
        (GeneratorExit(), "The function failed: GeneratorExit"),
        (BaseException("odd"), "The function failed: BaseException: odd"),
        (StopIteration(1), "The function failed: "),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_exception_is_told_to_the_model_and_logged_without_words(
    error: BaseException, message: str
) -> None:
    for target in raising(error):
        with capture_logs() as logs:
            told = await call(registry(target))
        assert json.loads(told)["error"].startswith(message)
        assert logs[0]["event"] == "function_failed"
        assert logs[0]["call_id"] == "call_1"
        assert "no such city" not in str(logs)


async def test_an_async_function_that_cancels_itself_has_failed() -> None:
    told = json.loads(await call(registry(raising(asyncio.CancelledError())[1])))
    assert told == {"error": "The function failed: CancelledError: it was cancelled from within"}


async def test_a_forgotten_async_is_told() -> None:
    async def inner() -> None:
        """Never runs."""

    @function
    def f() -> Any:
        return inner()

    told = json.loads(await call(registry(f)))
    assert "make it 'async def'" in told["error"]


async def test_wrong_arguments_are_told_and_nothing_runs() -> None:
    ran: list[int] = []

    @function
    def f(a: int) -> None:
        ran.append(a)

    told = json.loads(await call(registry(f), '{"a": "1"}'))
    assert told == {
        "error": "The arguments do not fit the schema: a: Input should be a valid integer"
    }
    assert not ran


async def test_a_check_of_the_authors_own_may_fail_too() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}
    told = await call(registry(function(name="f", parameters=schema)(lambda a=1: a)), '{"a": 1}')
    assert json.loads(told)["error"].startswith("The function failed")


async def test_a_name_that_is_not_offered_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        await call(registry(returning(1)), name="g")


@pytest.mark.parametrize(("own", "seconds"), [(None, 30), (5, 5)])
async def test_an_async_function_is_cancelled_when_its_time_is_over(
    own: float | None, seconds: int
) -> None:
    clock = FakeClock()
    ended: list[str] = []

    @function(timeout=own)
    async def f() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    waiting = asyncio.create_task(call(registry(f, clock=clock)))
    await clock.advance(seconds - 0.1)
    assert not waiting.done()
    await clock.advance(0.1)
    assert json.loads(await waiting) == {
        "error": f"The function did not answer within {seconds} seconds."
    }
    await idle()
    assert ended == ["cancelled"]


async def test_code_that_ignores_a_cancel_holds_up_nobody() -> None:
    clock = FakeClock()
    free = asyncio.Event()

    @function
    async def f() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    waiting = asyncio.create_task(call(registry(f, clock=clock)))
    await clock.advance(30)
    assert "did not answer" in await waiting
    free.set()
    await idle()


async def test_cancellation_passes_through() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    @function
    async def f() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    waiting = asyncio.create_task(call(registry(f)))
    await entered.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await left.wait()


async def test_threads_are_bounded_and_waiting_for_one_counts() -> None:
    clock = FakeClock()
    free, entered = threading.Event(), threading.Event()

    @function
    def stuck() -> str:
        entered.set()
        free.wait()
        return "late"

    @function
    def f() -> str:
        return "here"

    offered = registry(stuck, f, clock=clock, threads=1)
    first = asyncio.create_task(call(offered, name="stuck"))
    await asyncio.to_thread(entered.wait)
    second = asyncio.create_task(call(offered))
    await clock.advance(30)
    assert "did not answer" in await first
    assert "did not answer" in await second
    free.set()
    assert await call(offered) == "here"


async def test_a_long_output_is_cut_and_says_so() -> None:
    offered = registry(returning("\u00e9" * 1000), max_output_bytes=200)
    output = await call(offered)
    assert len(output.encode()) <= 200
    assert output.startswith("\u00e9" * 50)
    assert output.endswith("[cut here: the output has 2000 bytes, more than the 200 allowed]")
    assert await call(registry(returning("x" * 200), max_output_bytes=200)) == "x" * 200


def test_a_name_belongs_to_one_function() -> None:
    with pytest.raises(InvalidFunction, match=r"'f' is already that of .*test_registry"):
        registry(returning(1), returning(2))


async def test_an_endless_function_does_not_keep_the_process() -> None:
    program = """
import asyncio, threading
from understudy_server.clock import SystemClock
from understudy_server.tools import CallContext, function
from understudy_server.tools.registry import Registry

@function(timeout=0.01)
def endless() -> None:
    threading.Event().wait()

context = CallContext(project="", thread_id="", run_id="", assistant_id="", call_id="")
print(asyncio.run(Registry([endless], clock=SystemClock()).call("endless", "", context=context)))
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"did not answer within 0.01 seconds" in output
