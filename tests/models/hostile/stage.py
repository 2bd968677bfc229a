"""One run against a hostile provider, over real connections, and everything that must hold afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Literal, TypeAlias

from tests.clock import FakeClock
from tests.models.fakes import InstantClock
from tests.models.hostile import telling
from tests.models.hostile.facts import Facts
from tests.models.hostile.leaping import LeapingLoop
from tests.models.hostile.plain import plain_answer
from tests.models.hostile.wire import MOST_SENT, Answer, RawServer
from tests.server.runs.kept import check_kept
from tests.server.runs.world import Core, World, follow, function, open_world, text_of
from understudy.v1 import event_pb2
from understudy_server.models.catalog import Catalog
from understudy_server.models.opener import open_models
from understudy_server.models.provider import DialectName, ModelsConfig, ProviderConfig
from understudy_server.rpc.runs import Begun
from understudy_server.runs import machine

Then: TypeAlias = Literal["submit", "cancel"]
"""What the application does when the run asks for the outputs of tools."""

API_KEY = "sk-hostile-0123456789abcdef"
HEADER_KEY = "header-key-0123456789"
SECRETS = (API_KEY, HEADER_KEY)
MAX_ANSWER = 1 << 20
SLACK = 16 << 20
"""Bytes that the system's buffers may take beyond what a client reads."""
MOST_EVENTS = 25_000
_TICK = 25.0
"""Seconds of the loop's time, which leaps; the server's own time moves far less with each."""
HEALTHY = "All is well."
ENDED = {
    machine.COMPLETED: "completed",
    machine.FAILED: "failed",
    machine.INCOMPLETE: "incomplete",
    machine.EXPIRED: "expired",
    machine.CANCELLED: "cancelled",
}


def play(dialect: DialectName, script: Sequence[Answer], then: Then = "submit") -> None:
    """Plays ``script`` to a run, checks all that must hold, and runs once more against a healthy provider."""
    problems: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: problems.append(context))
        runner.run(_play(dialect, script, then))
        left = asyncio.all_tasks(runner.get_loop())
    assert not left, left
    assert not problems, problems


async def _play(dialect: DialectName, script: Sequence[Answer], then: Then) -> None:
    async with RawServer(script) as server, RawServer([]) as elsewhere:
        server.replace = {
            b"{elsewhere}": elsewhere.origin.encode(),
            b"{here}": server.origin.encode(),
            b"{key}": API_KEY.encode(),
        }
        async with provider(server, dialect) as models, open_world(models) as world:
            ticking = asyncio.create_task(_tick(world.clock))
            passing = _Passing(world.clock)
            server.outlive = passing.begin
            core = world.core()
            assistant = await world.assistant(core, tools=[function("f"), function("g")])
            thread = await world.thread(core, "Hi")
            begun = await world.run(core, thread, assistant)
            seen = await follow(core, begun)
            await passing.end()
            await _check_run(world, core, begun, seen, server)
            server.script = [plain_answer(dialect, HEALTHY)]
            await server.listen()
            await _go_on(world, core, begun, then)
            again = await world.run(core, thread, assistant)
            await follow(core, again)
            run = await world.state(core, again)
            assert run.status == machine.COMPLETED, run
            assert text_of((await world.messages(core, thread))[-1]) == HEALTHY
            ticking.cancel()
        assert not elsewhere.requests
        await _until_closed(server)


async def _tick(clock: FakeClock) -> None:
    """Wakes, one by one, those who sleep on the server's clock, when no connection has anything left to do."""
    while True:
        await asyncio.sleep(_TICK)
        clock.wake_next()


class _Passing:
    """More time than a run lives passes, while everybody goes on."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._clock.advance(machine.EXPIRES_AFTER + 1))

    async def end(self) -> None:
        if self._task is not None:
            await self._task


@asynccontextmanager
async def provider(server: RawServer, dialect: DialectName) -> AsyncIterator[Catalog]:
    config = ProviderConfig(
        name="acme",
        dialect=dialect,
        base_url=f"{server.origin}/v1",
        api_key=API_KEY,
        headers={"x-key": HEADER_KEY},
        max_answer_bytes=MAX_ANSWER,
    )
    numbers = count(1)
    models = open_models(
        ModelsConfig(providers=(config,), default_provider="acme"),
        clock=InstantClock(),
        new_call_id=lambda: f"call_new{next(numbers)}",
        jitter=lambda: 0.5,
    )
    try:
        yield models
    finally:
        await models.close()


async def _check_run(
    world: World[Catalog],
    core: Core,
    begun: Begun,
    seen: Sequence[event_pb2.RunEvent],
    server: RawServer,
) -> None:
    run = await world.state(core, begun)
    waits = run.status == machine.REQUIRES_ACTION
    end = "requires_action" if waits else ENDED[run.status]
    answer = server.played[-1]
    assert answer.ends is None or end in answer.ends, (end, run.last_error, answer)
    silence = asyncio.get_running_loop().time() - server.last_at
    facts = Facts(answer, bytes(server.last), silence)
    assert run.HasField("last_error") == (end == "failed")
    if end == "failed":
        telling.check(run.last_error, SECRETS)
        telling.check_tells(run.last_error.message, answer.tells)
        telling.check_true(run.last_error.message, facts)
    elif end in ("completed", "requires_action"):
        telling.check_complete(facts)
    assert len(seen) < MOST_EVENTS
    assert server.sent < MOST_SENT
    assert server.sent < len(server.played) * (MAX_ANSWER + SLACK)
    await check_kept(world, core, begun, seen)
    if end == "completed" and answer.text is not None:
        assert text_of((await world.messages(core, begun.spec.run.thread_id))[-1]) == answer.text
    active = (await world.head(begun.spec.run.thread_id)).active_run
    assert active == (begun.spec.run.id if waits else "")


async def _go_on(world: World[Catalog], core: Core, begun: Begun, then: Then) -> None:
    """Brings a run that waits for outputs to its end."""
    run = await world.state(core, begun)
    if run.status != machine.REQUIRES_ACTION:
        return
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert calls
    assert len({call.id for call in calls}) == len(calls)
    if then == "submit":
        await follow(core, await world.submit(core, begun, **{call.id: "1" for call in calls}))
        expected = machine.COMPLETED
    else:
        await world.cancel(core, begun)
        expected = machine.CANCELLED
    run = await world.state(core, begun)
    assert run.status == expected, run
    assert not (await world.head(begun.spec.run.thread_id)).active_run


async def _until_closed(server: RawServer) -> None:
    """The provider is closed: none of its connections may stay."""
    async with asyncio.timeout(60):
        await server.idle.wait()
