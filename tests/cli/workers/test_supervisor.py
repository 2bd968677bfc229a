from __future__ import annotations

import asyncio

import pytest

from tests.cli.workers.fake_worker import Nursery
from tests.clock import FakeClock, idle
from understudy_cli.workers.plan import STEADY
from understudy_cli.workers.process import WorkerFailed
from understudy_cli.workers.supervisor import Supervisor

ADDRESSES = ("127.0.0.1:1", "127.0.0.1:2")


def supervisor(nursery: Nursery, clock: FakeClock, keys: list[str] | None = None) -> Supervisor:
    shown = [] if keys is None else keys
    return Supervisor(nursery.spawn, ADDRESSES, clock, made_key=shown.append)


async def test_the_first_one_serves_before_the_others_begin() -> None:
    nursery = Nursery(serving=False)
    workers = supervisor(nursery, FakeClock())
    starting = asyncio.create_task(workers.start())
    await idle()
    assert nursery.numbers() == [1]
    nursery.started[0].serve(first_key="sk")
    await idle()
    assert nursery.numbers() == [1, 2]
    nursery.started[1].serve()
    told = await starting
    assert [ready.grpc for ready in told] == list(ADDRESSES)
    assert [ready.first_key for ready in told] == ["sk", None]
    assert list(await workers.stop()) == [0, 0]


@pytest.mark.parametrize("number", [1, 2])
async def test_one_that_cannot_start_ends_the_start(number: int) -> None:
    nursery = Nursery(serving=False)
    workers = supervisor(nursery, FakeClock())
    starting = asyncio.create_task(workers.start())
    await idle()
    if number == 2:
        nursery.started[0].serve()
        await idle()
    nursery.started[number - 1].end(2)
    with pytest.raises(WorkerFailed, match=f"worker {number} ended with status 2") as caught:
        await starting
    assert caught.value.status == 2
    assert list(await workers.stop()) == [0, 2][2 - number :]
    assert nursery.numbers() == [1, 2][:number]


async def test_it_can_be_stopped_while_it_starts() -> None:
    nursery = Nursery(serving=False)
    workers = supervisor(nursery, FakeClock())
    starting = asyncio.create_task(workers.start())
    await idle()
    starting.cancel()
    await asyncio.wait({starting})
    await workers.stop()
    assert [worker.stopped for worker in nursery.started] == [True]


async def test_one_that_dies_is_started_again_at_its_address() -> None:
    nursery, clock = Nursery(serving=False), FakeClock()
    workers = supervisor(nursery, clock)
    starting = asyncio.create_task(workers.start())
    await idle()
    nursery.started[0].serve(grpc="127.0.0.1:4711")
    await idle()
    nursery.started[1].serve()
    await starting
    await clock.advance(STEADY)
    nursery.started[0].end(-9)
    await idle()
    assert [(each.number, each.grpc) for each in nursery.started[2:]] == [(1, "127.0.0.1:4711")]
    nursery.started[2].serve()
    await workers.stop()
    assert [worker.stopped for worker in nursery.started] == [False, True, True]


async def test_one_that_dies_again_and_again_is_started_later_and_later() -> None:
    nursery, clock = Nursery(), FakeClock()
    workers = supervisor(nursery, clock)
    await workers.start()
    for pause in (0, 0.5, 1, 2):
        nursery.started[-1].end(1)
        count = len(nursery.started)
        if pause:
            await clock.advance(pause / 2)
            assert len(nursery.started) == count
        await clock.advance(pause / 2)
        assert len(nursery.started) == count + 1
    assert nursery.numbers() == [1, 2, 2, 2, 2, 2]
    await workers.stop()


async def test_a_machine_without_room_for_a_process_is_tried_again() -> None:
    nursery, clock = Nursery(broken=2), FakeClock()
    workers = supervisor(nursery, clock)
    await workers.start()
    nursery.started[0].end(-9)
    await clock.advance(10)
    assert nursery.numbers() == [1, 2, 1]
    await workers.stop()


async def test_one_that_dies_before_it_serves_again_is_started_again() -> None:
    nursery, clock = Nursery(), FakeClock()
    workers = supervisor(nursery, clock)
    await workers.start()
    nursery.serving = False
    nursery.started[0].end(-9)
    await idle()
    nursery.started[2].end(1)
    await clock.advance(10)
    assert nursery.numbers() == [1, 2, 1, 1]
    nursery.started[3].serve()
    await workers.stop()


async def test_a_restart_waits_for_each_to_serve_before_it_ends_the_next() -> None:
    nursery = Nursery()
    workers = supervisor(nursery, FakeClock())
    await workers.start()
    nursery.serving = False
    restarting = asyncio.create_task(workers.restart())
    await idle()
    assert [worker.stopped for worker in nursery.started] == [True, False, False]
    nursery.started[2].serve()
    await idle()
    assert [worker.stopped for worker in nursery.started] == [True, True, False, False]
    nursery.started[3].serve()
    await restarting
    assert nursery.numbers() == [1, 2, 1, 2]
    await workers.stop()


async def test_a_key_that_is_made_later_is_shown() -> None:
    nursery, keys = Nursery(), list[str]()
    workers = supervisor(nursery, FakeClock(), keys)
    await workers.start()
    nursery.serving = False
    nursery.started[0].end(-9)
    await idle()
    nursery.started[2].serve(first_key="sk")
    await idle()
    assert keys == ["sk"]
    await workers.stop()
