"""Everything in ``refusals.py``, asked of one server."""

from __future__ import annotations

from typing import Any

from tests.contract.world import World
from tests.fidelity.refusals import refusals
from tests.fidelity.scenes_objects import SEARCHES
from tests.fidelity.scenes_runs import assistant_of, thread_of
from tests.fidelity.stage import Stage


async def asked_for_too_much(stage: Stage) -> None:
    hosted: dict[str, Any] = {
        "code_interpreter": {"type": "code_interpreter"},
        "file_search": SEARCHES[0],
    }
    ids = {
        "assistant": await assistant_of(stage),
        "thread": await thread_of(stage),
        **{f"assistant with {k}": await assistant_of(stage, tools=[t]) for k, t in hosted.items()},
    }
    world = World(key="", ids=ids)
    for case in refusals():
        await stage.api.refused(case.name, "POST", world.fill(case.path), world.fill(case.body))
