"""Runs of a key with limits, on the real engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.server.runs.world import Core, World, caller, function
from understudy.v1 import run_pb2
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.records import ONLY, budget_partition, run_budgets, run_slots
from understudy_server.rpc.caller import Caller
from understudy_server.rpc.runs import Begun
from understudy_server.store.v1.records_pb2 import RunBudget

BUDGET = "0123456789abcdef"
TOKENS = 13
"""Of one model call of the scripted models."""
ONE = KeyLimits(concurrent_runs=1)
TWO = KeyLimits(concurrent_runs=2)
TALK = KeyLimits(tokens_per_day=20)


def limited(limits: KeyLimits, key: str | None = None) -> Caller:
    return replace(caller(key), key_id=BUDGET, budget=BUDGET, limits=limits)


async def start(
    world: World[Any], core: Core, limits: KeyLimits, *, thread: str = "", key: str | None = None
) -> Begun:
    thread = thread or await world.thread(core, "Hi")
    tools = run_pb2.CreateRunRequest(
        thread_id=thread, assistant_id=await world.assistant(core, tools=[function("f")])
    )
    return await core.runs.create(limited(limits, key), tools)


async def counted(world: World[Any]) -> tuple[int, int, int]:
    """Runs, tokens and slots, as they are stored."""
    partition = budget_partition(BUDGET)
    row = await run_budgets.get(world.memory, partition, ONLY, fresh=True)
    body = row.body if row else RunBudget()
    slots = await run_slots.list(world.memory, partition, limit=100)
    return body.runs, body.tokens, len(slots)
