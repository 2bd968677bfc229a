"""Patience and its limits, with a clock that the test owns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import grpc
import pytest

from understudy.v1 import event_pb2, message_pb2, run_pb2
from understudy_edge.patience import Patience
from understudy_edge.resume import Position, RunEvents

RUN = run_pb2.Run(id="r", thread_id="t")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def batch(id: str, **branch: Any) -> event_pb2.RunEventBatch:
    return event_pb2.RunEventBatch(events=[event_pb2.RunEvent(id=id, **branch)])


class Call:
    """A call that gives these batches, and then ends or breaks."""

    def __init__(self, *items: event_pb2.RunEventBatch | grpc.StatusCode) -> None:
        self.items = list(items)

    async def initial_metadata(self) -> tuple[()]:
        return ()

    def done(self) -> bool:
        return bool(self.items) and isinstance(self.items[0], grpc.StatusCode)

    async def read(self) -> object:
        if not self.items:
            return grpc.aio.EOF
        item = self.items.pop(0)
        if isinstance(item, grpc.StatusCode):
            raise grpc.aio.AioRpcError(item, grpc.aio.Metadata(), grpc.aio.Metadata())
        return item


class World:
    """Time, and the calls that are reopened."""

    def __init__(self, *reopened: Call, patience: float = 10) -> None:
        self.reopened = list(reopened)
        self.patience = patience
        self.time = 0.0
        self.delays: list[float] = []
        self.requests: list[run_pb2.StreamRunEventsRequest] = []

    async def sleep(self, seconds: float) -> None:
        self.delays.append(seconds)
        self.time += seconds

    def reopen(self, request: run_pb2.StreamRunEventsRequest) -> Any:
        self.requests.append(request)
        return self.reopened.pop(0) if self.reopened else Call(UNAVAILABLE)

    async def reached(self, patience: Patience) -> None:
        """There always is a core."""

    def events(
        self, *calls: Call, position: Position | None = None, repeatable: bool = False
    ) -> RunEvents:
        """``calls`` are the first one and its repetitions."""
        first = list(calls)

        def begin(earlier: int) -> Any:
            assert earlier == len(calls) - len(first)
            return first.pop(0)

        return RunEvents(
            begin,
            position=position or Position(),
            repeatable=repeatable,
            reopen=cast("Any", self.reopen),
            reached=self.reached,
            acceptance=Patience(1, now=lambda: self.time, sleep=self.sleep),
            patience=Patience(self.patience, now=lambda: self.time, sleep=self.sleep),
        )


async def ids(events: RunEvents) -> list[str]:
    found: list[str] = []
    while (read := await events.read()) is not None:
        found += [event.id for event in read.events]
    return found


async def test_it_goes_on_after_the_last_event() -> None:
    world = World(
        Call(UNAVAILABLE),
        Call(batch("1-2", run_queued=RUN), UNAVAILABLE),
        Call(batch("2-1", run_completed=RUN)),
    )
    events = world.events(Call(batch("1-1", run_created=RUN), UNAVAILABLE))
    assert await ids(events) == ["1-1", "1-2", "2-1"]
    assert [request.after for request in world.requests] == ["1-1", "1-1", "1-2"]
    # An event that came through makes the waits short again.
    assert world.delays == [0.01, 0.02, 0.01]


async def test_it_gives_up_after_its_patience() -> None:
    world = World(patience=3)
    events = world.events(Call(batch("1-1", run_created=RUN), UNAVAILABLE))
    assert await events.read() is not None
    with pytest.raises(grpc.aio.AioRpcError):
        await events.read()
    assert 3 <= world.time < 4
    assert world.delays == sorted(world.delays)


@pytest.mark.parametrize(
    ("position", "first", "resumed"),
    [
        # What the request tells is enough where its reader is at a known place.
        (Position("t", "r", ""), [], [("t", "r", "")]),
        (Position("t", "r", "1-3"), [], [("t", "r", "1-3")]),
        (Position("t", "r"), [], []),
        (Position(), [], []),
        (Position(), [batch("1-1", thread_created={})], []),
        (Position(), [batch("1-1", run_created=RUN)], [("t", "r", "1-1")]),
        (
            Position(),
            [batch("1-1", step_created={"thread_id": "t", "run_id": "r"})],
            [("t", "r", "1-1")],
        ),
    ],
)
async def test_what_it_needs_to_know(
    position: Position,
    first: Sequence[event_pb2.RunEventBatch],
    resumed: list[tuple[str, str, str]],
) -> None:
    world = World(Call(batch("9-9", run_completed=RUN)))
    events = world.events(Call(*first, UNAVAILABLE), position=position)
    if resumed:
        assert (await ids(events))[-1] == "9-9"
    else:
        with pytest.raises(grpc.aio.AioRpcError):
            await ids(events)
    assert [(r.thread_id, r.run_id, r.after) for r in world.requests] == resumed


@pytest.mark.parametrize(
    ("branch", "is_end"),
    [
        ("run_requires_action", True),
        ("run_completed", True),
        ("run_incomplete", True),
        ("run_failed", True),
        ("run_cancelled", True),
        ("run_expired", True),
        ("run_created", False),
        ("run_queued", False),
        ("run_in_progress", False),
        ("run_cancelling", False),
    ],
)
async def test_after_a_closing_event_there_is_nothing_to_resume(branch: str, is_end: bool) -> None:
    world = World(Call(batch("1-2", run_completed=RUN)))
    events = world.events(Call(batch("1-1", **{branch: RUN}), UNAVAILABLE))
    assert await ids(events) == (["1-1"] if is_end else ["1-1", "1-2"])


async def test_a_log_may_go_on_after_a_closing_event() -> None:
    world = World(Call(batch("2-2", run_completed=RUN)))
    events = world.events(
        Call(
            batch("1-1", run_requires_action=RUN),
            batch("2-1", run_queued=RUN),
            UNAVAILABLE,
        )
    )
    assert await ids(events) == ["1-1", "2-1", "2-2"]


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAUTHENTICATED]
)
async def test_only_a_lost_core_is_replaced(code: grpc.StatusCode) -> None:
    world = World(Call(batch("1-2", run_completed=RUN)))
    events = world.events(Call(batch("1-1", run_created=RUN), code))
    with pytest.raises(grpc.aio.AioRpcError):
        await ids(events)
    assert world.requests == []


def test_a_message_of_the_run_tells_which_run_it_is() -> None:
    position = Position()
    message = message_pb2.Message(id="msg_1", thread_id="t", run_id="r")
    position.advance(batch("2-1", message_created=message))
    request = position.next_request()
    assert request is not None
    assert (request.thread_id, request.run_id, request.after) == ("t", "r", "2-1")


CREATED = batch("1-1", thread_created={})
REST = (batch("1-9", run_created=RUN), batch("1-10", run_completed=RUN))


@pytest.mark.parametrize(
    "calls",
    [
        (Call(UNAVAILABLE), Call(CREATED, *REST)),
        (Call(CREATED, UNAVAILABLE), Call(UNAVAILABLE), Call(CREATED, *REST)),
    ],
)
async def test_a_call_is_repeated_until_it_tells_the_run(calls: tuple[Call, ...]) -> None:
    world = World()
    events = world.events(*calls, repeatable=True)
    await events.wait_accepted()
    assert await ids(events) == ["1-1", "1-9", "1-10"]
    assert world.requests == []


async def test_what_was_seen_of_a_batch_is_cut_off() -> None:
    again = event_pb2.RunEventBatch(events=[*CREATED.events, *REST[0].events])
    events = World().events(Call(CREATED, UNAVAILABLE), Call(again, REST[1]), repeatable=True)
    assert await ids(events) == ["1-1", "1-9", "1-10"]


async def test_the_patience_for_acceptance_is_its_own() -> None:
    world = World(patience=50)
    calls = [Call(UNAVAILABLE) for _ in range(100)]
    with pytest.raises(grpc.aio.AioRpcError):
        await world.events(*calls, repeatable=True).wait_accepted()
    assert 1 <= world.time < 2


async def test_a_call_that_cannot_be_repeated_is_refused_at_once() -> None:
    world = World()
    with pytest.raises(grpc.aio.AioRpcError):
        await world.events(Call(UNAVAILABLE)).wait_accepted()
    assert world.delays == []
