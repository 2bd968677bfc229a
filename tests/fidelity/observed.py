"""One conversation with the server about everything, and what was seen of each property."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.fidelity import scenes_ends, scenes_objects, scenes_refusals, scenes_runs
from tests.fidelity.stage import Stage, open_stage
from tests.fidelity.traffic import Traffic

Scene: TypeAlias = Callable[[Stage], Awaitable[None]]

SCENES: tuple[Scene, ...] = (
    scenes_objects.assistants,
    scenes_objects.threads,
    scenes_objects.messages,
    scenes_runs.parameters,
    scenes_runs.additions,
    scenes_runs.with_threads,
    scenes_ends.answers,
    scenes_ends.budgets,
    scenes_ends.calls,
    scenes_ends.waiting_and_cancelled,
    scenes_ends.speaking_and_cancelled,
    scenes_ends.waiting_and_expired,
    scenes_ends.speaking_and_expired,
    scenes_ends.a_thread_that_goes_away,
    scenes_refusals.asked_for_too_much,
)


def observe() -> Traffic:
    """Takes seconds; runs a loop of its own."""
    return asyncio.run(_observe())


async def _observe() -> Traffic:
    traffic = Traffic()
    for scene in SCENES:
        async with open_stage(traffic) as stage:
            await scene(stage)
    return traffic
