"""A run's events, past every broken connection, with Python functions that answer its calls.

async for event in follow(client, run, functions={"weather": weather}):
    ...
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

import grpc
import grpc.aio

from understudy.answering import Function, answer
from understudy.client import Client
from understudy.v1.event_pb2 import RunEvent
from understudy.v1.run_pb2 import Run, StreamRunEventsRequest, SubmitToolOutputsRequest, ToolOutput

LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED})
"""How a connection ends that broke, or whose core went away."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

_ENDS = frozenset({"run_completed", "run_incomplete", "run_failed", "run_cancelled", "run_expired"})


async def follow(
    client: Client,
    run: Run,
    *,
    functions: Mapping[str, Function] | None = None,
    after: str = "",
    patience: float = 60.0,
) -> AsyncGenerator[RunEvent, None]:
    """Every event of ``run`` after the event ``after``, each once and in order, until the run has ended.

    A connection that breaks is made again, and the events go on after the last one; after ``patience`` seconds
    without success its error is raised. ``functions``, by name, answer the calls for which the run waits: each gets
    the call's arguments by name, may be a coroutine function, and gives the output: text, or what JSON can write.
    What a function raises is told to the model. If some call has no function here, the events end with
    ``run_requires_action``, and who follows answers it. Raises ``grpc.aio.AioRpcError``.
    """
    last = after
    waiting: Run | None = None
    lost_since: float | None = None
    pause = _FIRST_PAUSE
    while True:
        request = StreamRunEventsRequest(thread_id=run.thread_id, run_id=run.id, after=last)
        try:
            async for batch in client.assistants.StreamRunEvents(request):
                for event in batch.events:
                    if last and _number(event.id) <= _number(last):
                        continue
                    last, lost_since, pause = event.id, None, _FIRST_PAUSE
                    branch = event.WhichOneof("event")
                    waiting = event.run_requires_action if branch == "run_requires_action" else None
                    yield event
                    if branch in _ENDS:
                        return
            if waiting is None:
                # Only the end of a run and a request for action end its events: this reader has seen that already.
                return
            if not await _answered(client, waiting, functions or {}):
                return
            waiting = None
        except grpc.aio.AioRpcError as error:
            now = time.monotonic()
            lost_since = now if lost_since is None else lost_since
            if error.code() not in LOST or now - lost_since + pause > patience:
                raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


async def _answered(client: Client, run: Run, functions: Mapping[str, Function]) -> bool:
    """Whether the calls had functions, whose outputs the server now has."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    if any(call.function.name not in functions for call in calls):
        return False
    outputs = await asyncio.gather(
        *(answer(functions[call.function.name], call.function.arguments) for call in calls)
    )
    request = SubmitToolOutputsRequest(
        thread_id=run.thread_id,
        run_id=run.id,
        tool_outputs=[
            ToolOutput(tool_call_id=call.id, output=output)
            for call, output in zip(calls, outputs, strict=True)
        ],
    )
    await _submit(client, request)
    return True


async def _submit(client: Client, request: SubmitToolOutputsRequest) -> None:
    """The same outputs may be given twice, so a lost answer is no reason to ask the functions again."""
    pause = _FIRST_PAUSE
    while True:
        try:
            await client.assistants.SubmitToolOutputs(request)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                # Somebody else was quicker, or has ended the run: its events tell.
                return
            if error.code() not in LOST or pause >= _LONGEST_PAUSE:
                raise
            await asyncio.sleep(pause)
            pause *= 2
        else:
            return


def _number(id: str) -> tuple[int, int]:
    attempt, _, n = id.partition("-")
    with suppress(ValueError):
        return int(attempt), int(n)
    return 0, 0
