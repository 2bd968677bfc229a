from __future__ import annotations

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import DebugInfo, RetryInfo
from google.rpc.status_pb2 import Status

from understudy.patience import Patience, is_lost


def refused(code: grpc.StatusCode, *details: Message, trailer: bytes = b"") -> grpc.aio.AioRpcError:
    """An error with these details, or with a trailer that is not made of any."""
    status = Status(code=code.value[0], message="gone")
    for detail in details:
        status.details.add().Pack(detail)
    told = trailer or (status.SerializeToString() if details else b"")
    metadata = grpc.aio.Metadata(*([("grpc-status-details-bin", told)] if told else []))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, "gone")


LOST = refused(grpc.StatusCode.UNAVAILABLE)
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def after(seconds: int) -> RetryInfo:
    return RetryInfo(retry_delay=Duration(seconds=seconds))


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, now=lambda: self.now, sleep=self.sleep)


async def test_pauses_grow_until_patience_ends() -> None:
    time = Time()
    trying = time.patience(7)
    with pytest.raises(grpc.aio.AioRpcError):
        while True:
            await trying.again(LOST)
    assert time.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2]
    assert time.now < 7


async def test_an_event_makes_patient_again() -> None:
    time = Time()
    trying = time.patience(1)
    for _ in range(9):
        await trying.again(LOST)
        await trying.again(LOST)
        trying.succeeded()
    assert time.slept == [0.05, 0.1] * 9


@pytest.mark.parametrize(("stood", "steady"), [(1.9, False), (2.1, True)])
async def test_a_quiet_stream_that_stood_was_a_success(stood: float, steady: bool) -> None:
    time = Time()
    trying = time.patience(5)

    async def stands() -> None:
        trying.accepted()
        time.now += stood
        await trying.again(LOST)

    if steady:
        for _ in range(9):
            await stands()
        assert time.slept == [0.05] * 9
    else:
        with pytest.raises(grpc.aio.AioRpcError):
            for _ in range(9):
                await stands()


async def test_what_was_not_opened_did_not_stand() -> None:
    time = Time()
    trying = time.patience(5)
    trying.accepted()
    time.now += 3
    await trying.again(LOST)
    time.now += 4
    await trying.again(LOST)
    time.now += 1
    with pytest.raises(grpc.aio.AioRpcError):
        await trying.again(LOST)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (refused(grpc.StatusCode.UNAVAILABLE, after(1)), True),
        (refused(grpc.StatusCode.UNAVAILABLE, trailer=b"\xff"), True),
        (refused(EXHAUSTED, DebugInfo(), after(1)), True),
        (refused(EXHAUSTED, DebugInfo()), False),
        (refused(EXHAUSTED, trailer=b"\xff"), False),
        (refused(EXHAUSTED), False),
        (refused(grpc.StatusCode.UNAUTHENTICATED, after(1)), False),
        (refused(grpc.StatusCode.DEADLINE_EXCEEDED), False),
    ],
)
def test_what_is_worth_another_attempt(error: grpc.aio.AioRpcError, lost: bool) -> None:
    assert is_lost(error) is lost


async def test_the_core_says_when_to_come_again() -> None:
    time = Time()
    trying = time.patience(30)
    for seconds in (0, 3, 1):
        await trying.again(refused(EXHAUSTED, after(seconds)))
    await trying.again(LOST)
    assert time.slept == [0.05, 3, 1, 0.4]
    with pytest.raises(grpc.aio.AioRpcError):
        await trying.again(refused(EXHAUSTED, after(60)))
    assert len(time.slept) == 4


async def test_what_happens_after_a_stream_does_not_make_it_stand_longer() -> None:
    time = Time()
    trying = time.patience(5)
    await trying.again(LOST)
    trying.accepted()
    time.now += 1
    trying.ended()
    time.now += 3
    await trying.again(LOST)
    time.now += 1
    with pytest.raises(grpc.aio.AioRpcError):
        await trying.again(LOST)
