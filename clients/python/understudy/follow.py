"""A run's events, past every broken connection, with Python functions that answer its calls.

async for event in follow(client, run, functions={"weather": weather}):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import grpc
import grpc.aio

from understudy.answering import Function, answer
from understudy.client import Client
from understudy.patience import Patience, is_lost
from understudy.v1.event_pb2 import RunEvent
from understudy.v1.run_pb2 import (
    GetRunRequest,
    Run,
    RunStatus,
    StreamRunEventsRequest,
    SubmitToolOutputsRequest,
    ToolOutput,
)

_ENDS = frozenset({"run_completed", "run_incomplete", "run_failed", "run_cancelled", "run_expired"})
_ENDED = frozenset(
    {
        RunStatus.RUN_STATUS_COMPLETED,
        RunStatus.RUN_STATUS_INCOMPLETE,
        RunStatus.RUN_STATUS_FAILED,
        RunStatus.RUN_STATUS_CANCELLED,
        RunStatus.RUN_STATUS_EXPIRED,
    }
)


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
    without success, or when the core asks for more of it, its error is raised. ``functions``, by name, answer the
    calls for which the run waits, and the events wait for them. Each gets the call's arguments by name, may be a
    coroutine function, and gives the output: text, or what JSON can write. What a function raises is told to the
    model. If some call has no function here, the events end while the run waits, and who follows answers it.
    Raises ``grpc.aio.AioRpcError``.
    """
    known = functions or {}
    last = after
    waiting: Run | None = None
    outputs: list[ToolOutput] | None = None
    ended = False
    trying = Patience(patience)
    while True:
        opened = client.assistants.StreamRunEvents(
            StreamRunEventsRequest(thread_id=run.thread_id, run_id=run.id, after=last)
        )
        quiet = True
        giving = submitting = False
        try:
            await opened.initial_metadata()
            trying.accepted()
            async for batch in opened:
                for event in batch.events:
                    if last and number(event.id) <= number(last):
                        continue
                    last, quiet, outputs, giving = event.id, False, None, True
                    trying.succeeded()
                    branch = event.WhichOneof("event")
                    waiting = event.run_requires_action if branch == "run_requires_action" else None
                    yield event
                    giving = False
                    if branch in _ENDS:
                        return
            trying.ended()
            if ended and quiet:
                return
            # The events have ended, but not the run: it waits, has gone on since, or its end was seen before.
            if waiting is None:
                found = await client.assistants.GetRun(
                    GetRunRequest(thread_id=run.thread_id, run_id=run.id)
                )
                if found.status in _ENDED:
                    ended = True
                    continue
                if found.status != RunStatus.RUN_STATUS_REQUIRES_ACTION:
                    await trying.pause()
                    continue
                waiting = found
            if not _answerable(waiting, known):
                return
            # Kept until something has happened: a lost answer is no reason to ask the functions again.
            outputs = outputs or await _answers(waiting, known)
            submitting = True
            await client.assistants.SubmitToolOutputs(
                SubmitToolOutputsRequest(
                    thread_id=run.thread_id, run_id=run.id, tool_outputs=outputs
                )
            )
            waiting = outputs = None
        except grpc.aio.AioRpcError as error:
            if giving:
                raise
            if submitting and error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                # Somebody else was quicker, or has ended the run: its events tell.
                waiting = outputs = None
            elif not is_lost(error):
                raise
            await trying.again(error)
        finally:
            opened.cancel()


def number(id: str) -> tuple[int, int]:
    """The order of event ids; what is not one comes before all others."""
    attempt, _, n = id.partition("-")
    return (int(attempt), int(n)) if attempt.isdecimal() and n.isdecimal() else (0, 0)


def _answerable(run: Run, functions: Mapping[str, Function]) -> bool:
    calls = run.required_action.submit_tool_outputs.tool_calls
    return all(call.function.name in functions for call in calls)


async def _answers(run: Run, functions: Mapping[str, Function]) -> list[ToolOutput]:
    calls = run.required_action.submit_tool_outputs.tool_calls
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(answer(functions[call.function.name], call.function.arguments))
            for call in calls
        ]
    return [
        ToolOutput(tool_call_id=call.id, output=task.result())
        for call, task in zip(calls, tasks, strict=True)
    ]
