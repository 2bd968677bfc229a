"""How a reader is given events: in order, and in messages that any client takes."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial

import pytest

from tests.server.runs.scripted import ScriptedModels, calls, says
from tests.server.runs.world import caller, function, open_world
from understudy.v1.event_pb2 import RunEvent, RunEventBatch
from understudy.v1.run_pb2 import StreamRunEventsRequest
from understudy_server.runs import tail
from understudy_server.runs.tail import batched

CLIENTS_LIMIT = 4 * 1024 * 1024
"""Of one message, where nobody has set it."""


def event(number: int, size: int) -> RunEvent:
    made = RunEvent(id=f"1-{number}")
    made.message_delta.id = "x" * size
    return made


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10], [1]),
        ([10, 10, 10], [3]),
        ([400, 400, 400], [2, 1]),
        # One that is too large goes alone.
        ([10, 2_000, 10, 10], [1, 1, 2]),
        ([2_000, 2_000], [1, 1]),
    ],
)
def test_batches(sizes: list[int], expected: list[int]) -> None:
    events = [event(number, size) for number, size in enumerate(sizes)]
    found = list(batched(events, 1_000))
    assert [len(batch.events) for batch in found] == expected
    assert [each for batch in found for each in batch.events] == events


async def test_a_reader_that_comes_late_gets_no_message_that_is_too_large() -> None:
    async with open_world(ScriptedModels(calls("f"), says("x"))) as world:
        core = world.core()
        # They are told with every event of the run itself.
        instructions = "\N{GRINNING FACE}" * 190_000
        assistant = await world.assistant(core, instructions=instructions, tools=[function("f")])
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, assistant)
        await world.clock.advance(5)
        await world.submit(core, begun, call_f="1")
        await world.clock.advance(5)
        request = StreamRunEventsRequest(thread_id=thread, run_id=begun.spec.run.id)
        joined = await core.runs.resume(caller(), request)
        async with aclosing(core.runs.tail(joined).batches()) as batches:
            found: list[RunEventBatch] = [batch async for batch in batches]
        assert sum(batch.ByteSize() for batch in found) > CLIENTS_LIMIT
        assert max(batch.ByteSize() for batch in found) < CLIENTS_LIMIT
        events = [each for batch in found for each in batch.events]
        assert [each.id for each in events] == [each.id for each in await world.log(begun)]


@pytest.mark.parametrize("largest", [1, 300, tail.LARGEST_BATCH])
async def test_a_reader_goes_on_behind_any_event_it_has_seen(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether that stood at the beginning, in the middle or at the end of a message, or of an entry of the log."""
    monkeypatch.setattr(tail, "batched", partial(batched, largest=largest))
    async with open_world(ScriptedModels(calls("f"), says("a", "b", "c", "d"))) as world:
        core = world.core()
        assistant = await world.assistant(core, tools=[function("f")])
        begun = await world.run(core, await world.thread(core, "Hi"), assistant)
        await world.clock.advance(5)
        await world.submit(core, begun, call_f="1")
        await world.clock.advance(5)
        logged = [each.id for each in await world.log(begun)]
        for place, after in enumerate(logged, start=1):
            found = await world.resume(core, begun, after)
            assert [each.id for each in found] == logged[place:]
        # Nor is anything invented for one who has seen the end.
        assert await world.resume(core, begun, "99-1") == []
