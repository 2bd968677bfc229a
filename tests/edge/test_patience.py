"""What may be repeated, and for how long, with a clock that the test owns."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc import ChannelConnectivity

from understudy.v1 import auth_service_pb2
from understudy_edge.app import SERVICES
from understudy_edge.patience import Patience, Repeats, call, repeats

LOST = grpc.StatusCode.UNAVAILABLE
KEYED = {
    "CreateAssistant",
    "CreateThread",
    "CreateMessage",
    "CreateRun",
    "StreamCreateRun",
    "CreateThreadAndRun",
    "StreamCreateThreadAndRun",
    "CreateFile",
    "CreateUpload",
    "AddUploadPart",
    "CreateVectorStore",
    "CreateVectorStoreFile",
    "CreateVectorStoreFileBatch",
}
SAME_TWICE = {
    "SubmitToolOutputs",
    "StreamSubmitToolOutputs",
    "CancelRun",
    "CompleteUpload",
    "CancelUpload",
}


def expected(name: str) -> Repeats:
    if name in KEYED:
        return "with a key"
    if name in SAME_TWICE or name.startswith(
        ("Get", "List", "Search", "StreamRunEvents", "CheckKey")
    ):
        return "as it is"
    changes = ("Modify", "Delete", "CancelVectorStoreFileBatch")
    assert name.startswith(changes), f"may {name} be repeated?"
    return "never"


def test_every_method_is_repeated_only_where_that_is_safe() -> None:
    auth = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]
    methods = [method for service in (*SERVICES, auth) for method in service.methods]
    assert {method.name for method in methods} >= KEYED | SAME_TWICE
    assert {m.name: repeats(m) for m in methods} == {m.name: expected(m.name) for m in methods}


class World:
    """Time, a channel that is there or not, and a method that answers or fails."""

    def __init__(self, *outcomes: object, patience: float = 10, away: int = 0) -> None:
        self.outcomes = list(outcomes)
        self.time = 0.0
        self.delays: list[float] = []
        self.patience = Patience(patience, now=lambda: self.time, sleep=self.sleep)
        self.away = away
        """How often the channel says that it is not connected."""
        self.attempts: list[object] = []

    async def sleep(self, seconds: float) -> None:
        self.delays.append(seconds)
        self.time += seconds

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        assert try_to_connect
        self.away -= 1
        return ChannelConnectivity.CONNECTING if self.away >= 0 else ChannelConnectivity.READY

    async def method(self, message: object, *, metadata: Any, timeout: float) -> object:
        assert (message, timeout) == ("message", 7)
        self.attempts.append(dict(metadata).get("previous-attempts"))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, grpc.StatusCode):
            raise grpc.aio.AioRpcError(outcome, grpc.aio.Metadata(), grpc.aio.Metadata())
        return outcome

    async def call(self, *, repeatable: bool = True) -> object:
        channel: Any = self
        return await call(
            channel,
            self.method,
            "message",
            metadata=(("a", "b"),),
            timeout=7,
            repeatable=repeatable,
            patience=self.patience,
        )


async def test_a_lost_call_is_made_again() -> None:
    world = World(LOST, grpc.StatusCode.CANCELLED, LOST, "answer")
    assert await world.call() == "answer"
    assert world.attempts == [None, "1", "2", "3"]
    assert world.delays == [0.01, 0.02, 0.04]


async def test_a_call_that_was_sent_and_cannot_be_repeated_fails() -> None:
    world = World(LOST, away=3)
    with pytest.raises(grpc.aio.AioRpcError):
        await world.call(repeatable=False)
    # Until then it waited: nothing had been sent.
    assert len(world.delays) == 3


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED])
async def test_an_answer_is_an_answer(code: grpc.StatusCode) -> None:
    world = World(code)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.call()
    assert error.value.code() is code
    assert world.attempts == [None]


async def test_it_gives_up() -> None:
    world = World(*[LOST] * 100, patience=3)
    with pytest.raises(grpc.aio.AioRpcError):
        await world.call()
    assert 3 <= world.time < 4
    assert world.delays == sorted(world.delays)
    assert max(world.delays) == 0.5


async def test_nobody_is_there() -> None:
    world = World(away=1000, patience=3)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.call()
    assert error.value.code() is LOST
    assert world.attempts == []


async def test_without_patience_the_call_is_made_at_once_and_once() -> None:
    world = World(LOST, away=1, patience=0)
    with pytest.raises(grpc.aio.AioRpcError):
        await world.call()
    assert (world.attempts, world.delays) == ([None], [])
