"""Readers of a run's events, each behind an edge that resumes its stream on another core."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from tests.server.runs.stage import Stage
from tests.server.runs.story import ReaderLog
from tests.server.runs.world import Core, caller
from understudy.v1 import run_pb2
from understudy_server.errors import NotFound, StoreError
from understudy_server.rpc.runs import Begun
from understudy_server.runs.tail import Tail


async def read(stage: Stage, begun: Begun) -> None:
    """One reader, resumed on other cores, to the end of the run."""
    log = ReaderLog(begun)
    stage.story.readers.append(log)
    await stage.pause(0.0, 0.02, 0.1, 1.0, 10.0)
    # Whoever has begun a run reads its events without asking for them.
    first = stage.random.random() < 0.3
    while not log.ended:
        task = stage.at(
            stage.random.choice(stage.cores),
            lambda core, first=first: _read_some(stage, core, log, first=first),  # type: ignore[misc]  # a default binds the value of now
        )
        await asyncio.wait([task])
        first = False
        log.past_drop = stage.observer.view(log.thread).logs[log.run].dropped
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, StoreError), error
        await stage.pause(0.0, 0.2, 2.0)


async def _read_some(stage: Stage, core: Core, log: ReaderLog, *, first: bool) -> None:
    try:
        tail = await _tail(core, log, first=first)
        async with aclosing(tail.batches()) as batches:
            async for batch in batches:
                log.take(batch.events)
                if stage.random.random() < 0.1:
                    return
        if _is_over(stage, log):
            log.ended = True
    except NotFound:
        if stage.observer.view(log.thread).exists():
            stage.observer.bad(f"a reader of {log.run} does not find it")
        log.ended = log.gone = True


async def _tail(core: Core, log: ReaderLog, *, first: bool) -> Tail:
    if first:
        return core.runs.tail(log.begun)
    request = run_pb2.StreamRunEventsRequest(
        thread_id=log.thread, run_id=log.run, after=log.events[-1].id if log.events else ""
    )
    return core.runs.tail(await core.runs.resume(caller(), request))


def _is_over(stage: Stage, log: ReaderLog) -> bool:
    """Whether a stream that ended with nothing more had nothing more to tell."""
    state = stage.observer.view(log.thread).runs.get(log.run)
    return state is not None and bool(log.events) and log.events[-1].id == state.terminal_event
