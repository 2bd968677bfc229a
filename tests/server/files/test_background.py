"""Work on due records: a few at a time, and not again and again when it fails."""

from __future__ import annotations

import asyncio

import pytest

from tests.clock import FakeClock, idle
from understudy_server.errors import BlobsUnavailable, Conflict
from understudy_server.files.background import AT_ONCE, REST, Background
from understudy_server.store.port import Partition, Record


def record(id: str) -> Record:
    return Record(
        partition=Partition("p", "files"),
        kind="file",
        id=id,
        order=1,
        version="1",
        commit="c",
        body=b"",
    )


class Work:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.failure: Exception | None = None
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def __call__(self, record: Record) -> None:
        self.begun.append(record.id)
        await self.going_on.wait()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def background(clock: FakeClock, work: Work) -> Background:
    return Background(clock, {"file": work})


async def test_a_few_at_a_time(background: Background, work: Work) -> None:
    work.going_on.clear()
    begun = [await background.attend(record(str(number))) for number in range(AT_ONCE + 2)]
    assert begun == [True] * AT_ONCE + [False] * 2
    # Nor twice on the same.
    assert not await background.attend(record("0"))
    await idle()
    assert len(work.begun) == AT_ONCE
    work.going_on.set()
    await background.idle()
    assert await background.attend(record("0"))
    await background.idle()


@pytest.mark.parametrize(
    "failure",
    [
        BlobsUnavailable("away"),
        ValueError("a bug"),
        ExceptionGroup("some", [BlobsUnavailable("away")]),
    ],
)
async def test_what_fails_is_tried_again_later(
    background: Background, work: Work, clock: FakeClock, failure: Exception
) -> None:
    work.failure = failure
    assert await background.attend(record("a"))
    await background.idle()
    assert not await background.attend(record("a"))
    # The others go on.
    assert await background.attend(record("b"))
    await background.idle()
    await clock.advance(REST)
    work.failure = None
    assert await background.attend(record("a"))
    await background.idle()
    assert await background.attend(record("a"))
    await background.idle()


async def test_another_core_that_was_quicker_is_no_failure(
    background: Background, work: Work
) -> None:
    work.failure = Conflict()
    for _ in range(3):
        assert await background.attend(record("a"))
        await background.idle()


async def test_the_end(background: Background, work: Work) -> None:
    work.going_on.clear()
    await background.attend(record("a"))
    await idle()
    await background.close()
    await background.idle()
    assert work.begun == ["a"]
