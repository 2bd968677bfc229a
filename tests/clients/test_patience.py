from __future__ import annotations

import grpc
import grpc.aio
import pytest

from understudy.patience import Patience

LOST = grpc.aio.AioRpcError(
    grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone"
)


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
