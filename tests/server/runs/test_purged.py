"""Threads that are deleted and purged while somebody is in the middle of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.runs.scripted import ScriptedModels, Wait, calls
from tests.server.runs.world import follow, function, open_world
from tests.store.forwarding import ForwardingStore
from tests.store.hostile import HostileStore, Rates
from understudy_server.errors import NotFound
from understudy_server.models.port import TextDelta
from understudy_server.runs import starting
from understudy_server.store import tables
from understudy_server.store.port import Record


async def test_a_worker_that_missed_the_wake_up_stops_at_its_next_step() -> None:
    gate = asyncio.Event()
    models = ScriptedModels([TextDelta(text="Well"), Wait(gate), *calls("f")])
    with capture_logs() as logs:
        async with open_world(models) as world:
            deaf = replace(Rates.none(), deaf=1)
            store = HostileStore(world.memory, Random(1), world.clock, deaf)
            core, other = world.core(store=store), world.core()
            thread = await world.thread(core, "Hi")
            await world.run(core, thread, await world.assistant(core, tools=[function("f")]))
            await world.clock.advance(1)
            await world.delete_thread(other, thread)
            await world.clock.advance(0.5)
            assert await world.left(thread) == ["head"]
            gate.set()
            await world.clock.advance(1)
            assert "run_lost" in [log["event"] for log in logs]
            store.rates = Rates.none()
    assert "run_crashed" not in [log["event"] for log in logs]


class _WithoutRuns(ForwardingStore):
    async def get(self, partition: Any, kind: str, id: str, *, fresh: bool = False) -> Any:
        if kind == tables.runs.kind:
            return None
        return await super().get(partition, kind, id, fresh=fresh)


async def test_a_repeated_request_does_not_find_a_run_that_is_half_purged() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core), key="k")
        with pytest.raises(NotFound):
            await starting.started_before(
                _WithoutRuns(world.memory),
                begun.partition,
                begun.spec.run.id,
                begun.spec.fingerprint,
            )


class _WithoutSteps(ForwardingStore):
    async def list(self, *args: Any, **options: Any) -> Sequence[Record]:
        found = await super().list(*args, **options)
        return [record for record in found if not record.kind.startswith("step/")]


async def test_outputs_do_not_find_a_run_whose_steps_are_purged() -> None:
    async with open_world(ScriptedModels(calls("f"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        tools = [function("f")]
        begun = await world.run(core, thread, await world.assistant(core, tools=tools))
        await world.clock.run_until(follow(core, begun))
        late = world.core(store=_WithoutSteps(world.memory))
        with pytest.raises(NotFound):
            await world.submit(late, begun, call_f="1")
