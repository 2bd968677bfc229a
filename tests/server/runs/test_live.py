"""What waits for one reader is bounded; the log has the rest."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from tests.server.runs.scripted import ScriptedModels, Step, Wait, finished
from tests.server.runs.world import ids, open_world, said
from understudy.v1.event_pb2 import RunEvent
from understudy_server.models.port import TextDelta
from understudy_server.runs.live import LARGEST_WAIT, Live


def event(size: int) -> RunEvent:
    made = RunEvent(id="1-1")
    made.message_delta.id = "x" * size
    return made


def test_a_reader_that_falls_behind_is_sent_to_the_log() -> None:
    feed = Live().open("run_1")
    with feed.subscribe() as slow, feed.subscribe() as quick:
        for _ in range(3):
            feed.show([event(LARGEST_WAIT // 3)], logged=True)
            assert len(quick.take()) == 1
        assert slow.nudged
        assert slow.take() == []
        assert not quick.nudged
        feed.show([event(10)], logged=True)
        assert len(slow.take()) == 1


async def test_a_reader_that_stands_still_misses_nothing() -> None:
    # Each of them is small, and much larger as an event.
    texts = [f"{number} " for number in range(8_000)]
    halfway, last = asyncio.Event(), asyncio.Event()
    steps: list[Step] = [*(TextDelta(text=text) for text in texts[:7_000]), Wait(halfway)]
    steps += [*(TextDelta(text=text) for text in texts[7_000:]), Wait(last), finished()]
    async with open_world(ScriptedModels(steps)) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        async with aclosing(core.runs.tail(begun).batches()) as batches:
            events = list((await world.until(anext(batches))).events)
            # Nothing is read while most of it comes.
            await world.clock.advance(1)
            halfway.set()
            await world.clock.advance(1)
            last.set()
            while True:
                try:
                    events += (await world.until(anext(batches))).events
                except StopAsyncIteration:
                    break
        assert said(events) == "".join(texts)
        assert ids(events) == ids(await world.log(begun))
