"""A cancelled run leaves its model at once, over real connections: the provider itself sees who leaves, and when."""

from __future__ import annotations

import asyncio

import pytest

from tests.models.hostile.leaping import LeapingLoop
from tests.models.hostile.plain import STREAM, chunk, head, said, sse
from tests.models.hostile.stage import provider
from tests.models.hostile.wire import Answer, Beat, Play, RawServer, Send, Stall
from tests.server.runs.world import follow, names, open_world, text_of
from understudy_server.models.provider import DialectName
from understudy_server.runs import machine

SETTLED = 10.0
"""Seconds of a time that passes only when nothing moves; the next chunk comes after 40, and a stall ends after 60."""


def plays(moment: str, dialect: DialectName) -> tuple[Play, ...]:
    opening = Send(head(200, STREAM))
    words = sse(said(dialect, "Well")[:-2])
    match moment:
        case "silent from the start":
            return (Stall(),)
        case "silent after its head":
            return (opening, Stall())
        case "silent within an event":
            return (opening, Send(chunk(words + b'data: {"cho')), Stall())
        case _:
            return (opening, Send(chunk(words)), Beat(chunk(b": ping\n\n")))


@pytest.mark.parametrize("dialect", ["responses", "chat"])
@pytest.mark.parametrize("through", ["the core that runs it", "another core"])
@pytest.mark.parametrize(
    "moment",
    [
        "silent from the start",
        "silent after its head",
        "silent within an event",
        "between two chunks",
    ],
)
def test_the_connection_is_closed_before_anything_more_comes(
    moment: str, through: str, dialect: DialectName
) -> None:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(_cancel(plays(moment, dialect), dialect, elsewhere=through == "another core"))


async def _cancel(script: tuple[Play, ...], dialect: DialectName, *, elsewhere: bool) -> None:
    async with (
        RawServer([Answer(plays=script)]) as server,
        provider(server, dialect) as models,
        open_world(models) as world,
    ):
        core = world.core()
        other = world.core(slots=0) if elsewhere else core
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        reading = asyncio.create_task(follow(core, begun))
        await asyncio.sleep(SETTLED)
        sent = server.sent
        assert len(server.requests) == 1
        assert not server.idle.is_set()
        assert (await world.cancel(other, begun)).status == machine.CANCELLING
        async with asyncio.timeout(SETTLED):
            await server.idle.wait()
            seen = await reading
        assert (server.sent, len(server.requests)) == (sent, 1)
        assert "run_cancelling" in names(seen)
        assert names(seen)[-1] == "run_cancelled"
        assert (await world.state(other, begun)).status == machine.CANCELLED
        # What had been said by then stays.
        answers = (await world.messages(other, thread))[1:]
        assert [text_of(answer) for answer in answers] == (["Well"] if len(script) > 2 else [])
