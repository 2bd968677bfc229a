from __future__ import annotations

import asyncio

from understudy_server.store.ending import end


async def test_a_task_that_loses_a_cancellation_is_ended_nevertheless() -> None:
    lost = asyncio.Event()

    async def go_on() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost.is_set():
                    raise
                lost.set()

    async def stop_at_once() -> None:
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(go_on()), asyncio.create_task(stop_at_once())]
    await asyncio.sleep(0)
    await end(*tasks, None)
    assert lost.is_set()
    assert all(task.cancelled() for task in tasks)


async def test_nothing_to_end() -> None:
    await end(None)
