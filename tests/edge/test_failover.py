"""Streams that outlive their cores, over real channels."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from tests.edge.conftest import StartEdge
from tests.edge.events import (
    RUN,
    START,
    Batches,
    batch,
    completed,
    created,
    delta,
    error_in,
    ids,
    names,
    scripted,
)
from tests.edge.fake_core import Context, FakeCore, fail, forever
from understudy.v1 import event_pb2, thread_pb2


class Failover:
    """Two cores behind one address; whichever gets the run dies in the middle of it."""

    def __init__(self, *before: event_pb2.RunEvent) -> None:
        self.before = before
        self.after: Any = scripted(batch(delta("1-3", "b")), batch(completed("1-4")))
        self.cores = (FakeCore(), FakeCore())
        self.shown = asyncio.Event()
        self.resumed: list[Any] = []

    async def start(self) -> str:
        for core in self.cores:
            core.streams["StreamCreateRun"] = self._first
            core.streams["StreamSubmitToolOutputs"] = self._first
            core.streams["StreamRunEvents"] = self._second
            await core.start()
        return ",".join(core.address for core in self.cores)

    async def stop(self) -> None:
        for core in self.cores:
            await core.stop()

    async def _first(self, _request: Any, _context: Context) -> Batches:
        yield batch(*self.before)
        await forever()

    async def _second(self, request: Any, context: Context) -> Batches:
        self.resumed.append(request)
        async for each in self.after(request, context):
            yield each

    async def kill(self) -> None:
        """End the core that streams."""
        (owner,) = [core for core in self.cores if core.calls]
        await owner.stop()


async def interrupted(
    edge: aiohttp.ClientSession, failover: Failover, path: str, body: dict[str, Any]
) -> bytes:
    """The whole body of a stream whose core is killed after its first batch."""
    async with edge.post(path, json=body) as response:
        assert response.status == 200
        shown = b""
        for _ in failover.before:
            shown += await response.content.readuntil(b"\n\n")
        await failover.kill()
        return shown + await response.read()


async def test_a_stream_outlives_its_core(start_edge: StartEdge, stack: Any) -> None:
    failover = Failover(created(), delta("1-2", "a"))
    edge = await start_edge(await failover.start())
    stack.push_async_callback(failover.stop)
    body = await interrupted(edge, failover, *START)
    assert ids(body) == ["1-1", "1-2", "1-3", "1-4"]
    assert names(body)[-2:] == ["thread.run.completed", "done"]
    (request,) = failover.resumed
    assert (request.thread_id, request.run_id, request.after) == ("t", "run_1", "1-2")
    (key,) = {
        call.metadata["authorization"]
        for core in failover.cores
        for call in core.calls
        if call.method == "StreamRunEvents"
    }
    assert key == "Bearer sk-good"


async def test_a_stream_whose_run_the_request_names_is_resumed_without_a_run_event(
    start_edge: StartEdge, stack: Any
) -> None:
    failover = Failover(delta("1-8", "a"))
    edge = await start_edge(await failover.start())
    stack.push_async_callback(failover.stop)
    path = "/v1/threads/t/runs/run_9/submit_tool_outputs"
    await interrupted(edge, failover, path, {"tool_outputs": [], "stream": True})
    (request,) = failover.resumed
    assert (request.thread_id, request.run_id, request.after) == ("t", "run_9", "1-8")


async def test_after_a_closing_event_a_lost_core_is_the_end(
    start_edge: StartEdge, stack: Any
) -> None:
    failover = Failover(created(), event_pb2.RunEvent(id="1-2", run_requires_action=RUN))
    edge = await start_edge(await failover.start())
    stack.push_async_callback(failover.stop)
    body = await interrupted(edge, failover, *START)
    assert names(body) == ["thread.run.created", "thread.run.requires_action", "done"]
    assert failover.resumed == []


async def test_a_run_that_is_not_known_yet_is_asked_for_again(
    start_edge: StartEdge, stack: Any
) -> None:
    thread = event_pb2.RunEvent(id="1-1", thread_created=thread_pb2.Thread(id="t"))
    failover = Failover(thread)
    edge = await start_edge(await failover.start())
    stack.push_async_callback(failover.stop)
    async with edge.post(START[0], json=START[1]) as response:
        shown = await response.content.readuntil(b"\n\n")
        (owner,) = [core for core in failover.cores if core.calls]
        (other,) = [core for core in failover.cores if not core.calls]
        whole = batch(thread, created("1-2"), completed("1-3"))
        other.streams["StreamCreateRun"] = scripted(whole)
        await owner.stop()
        body = shown + await response.read()
    assert ids(body) == ["1-1", "1-2", "1-3"]
    assert failover.resumed == []
    (first,), (second,) = owner.calls, other.calls
    assert first.request == second.request
    assert first.metadata["idempotency-key"] == second.metadata["idempotency-key"]
    assert second.metadata["previous-attempts"] == "1"


async def test_without_retries_a_run_that_is_not_known_yet_is_lost(
    start_edge: StartEdge, stack: Any
) -> None:
    thread = event_pb2.RunEvent(id="1-1", thread_created=thread_pb2.Thread(id="t"))
    failover = Failover(thread)
    edge = await start_edge(await failover.start(), retry_seconds=0)
    stack.push_async_callback(failover.stop)
    body = await interrupted(edge, failover, *START)
    assert names(body) == ["thread.created", "error", "done"]
    assert failover.resumed == []


async def test_without_any_core_the_stream_is_given_up(
    start_edge: StartEdge, core: FakeCore
) -> None:
    edge = await start_edge(core.address, resume_seconds=0)

    async def first(_request: Any, _context: Context) -> Batches:
        yield batch(created())
        await forever()

    core.streams["StreamCreateRun"] = first
    async with edge.post(START[0], json=START[1]) as response:
        shown = await response.content.readuntil(b"\n\n")
        await core.stop()
        body = shown + await response.read()
    assert names(body) == ["thread.run.created", "error", "done"]
    assert error_in(body)["type"] == "server_error"


async def test_a_refusal_on_the_other_core_is_the_end(start_edge: StartEdge, stack: Any) -> None:
    failover = Failover(created())

    async def deleted(_request: Any, context: Context) -> Batches:
        await fail(context, "NOT_FOUND", "No thread found with id 't'.")
        yield batch()

    failover.after = deleted
    edge = await start_edge(await failover.start())
    stack.push_async_callback(failover.stop)
    body = await interrupted(edge, failover, *START)
    assert names(body) == ["thread.run.created", "error", "done"]
    assert error_in(body)["message"] == "No thread found with id 't'."
