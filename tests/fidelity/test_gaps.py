"""What is missing altogether is refused as what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fidelity.scenes_runs import thread_of
from tests.fidelity.stage import Stage, open_stage
from tests.fidelity.traffic import Traffic


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage(Traffic()) as stage:
        yield stage


@pytest.mark.parametrize("route", ["DELETE /threads/<thread>", "GET /assistants"])
async def test_an_unknown_query_parameter(stage: Stage, route: str) -> None:
    thread = await thread_of(stage)
    method, path = route.replace("<thread>", thread).split()
    answer = await stage.api.bare.call(method, f"{path}?cascade=pair")
    assert (answer.status, answer.error["param"]) == (400, "cascade")
    assert answer.error["message"] == "Unknown parameter: 'cascade'."
    assert (await stage.api.get(f"/threads/{thread}"))["id"] == thread
