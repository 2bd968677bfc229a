"""Every parameter of a run does what it says: in the request to the provider, or in the run's outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.parameters.bodies import BODIES, BodyCase
from tests.parameters.dialects import DIALECTS, Dialect
from tests.parameters.outcomes import OUTCOMES, Outcome
from tests.parameters.scene import ENTRIES, FIELDS, Entry, Scene, Stage, open_stage
from understudy.v1 import run_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(dialect: Dialect) -> AsyncIterator[Stage]:
    """One for all: each test has an assistant and a thread of its own."""
    async with open_stage(dialect) as opened:
        yield opened


@pytest.fixture
def scene(stage: Stage, entry: Entry) -> Scene:
    stage.upstream.forget()
    return Scene(stage=stage, entry=entry)


@pytest.mark.parametrize("entry", ENTRIES)
async def test_what_nobody_sets_is_not_sent(scene: Scene, dialect: Dialect) -> None:
    run = await scene.run()
    assert run.status == run_pb2.RUN_STATUS_COMPLETED
    assert scene.body == dialect.body("Hi")
    assert scene.upstream.exchanges[0].path == dialect.path


@pytest.mark.parametrize(
    ("entry", "case"),
    [
        pytest.param(entry, case, id=f"{entry}-{case.name}")
        for entry in ENTRIES
        for case in BODIES
        if case.given.keys() <= FIELDS[entry]
    ],
)
async def test_the_provider_is_told(scene: Scene, dialect: Dialect, case: BodyCase) -> None:
    run = await scene.run(assistant=case.assistant, **case.given)
    assert scene.body == case.expected(dialect)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED, run.last_error


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("temperature", 2.1),
        ("top_p", 1.1),
        ("max_prompt_tokens", 255),
        ("max_completion_tokens", 255),
        ("wait_timeout", 601),
        ("truncation_strategy", {"type": "TRUNCATION_TYPE_LAST_MESSAGES", "last_messages": 0}),
    ],
)
async def test_out_of_range(scene: Scene, parameter: str, value: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=f"'{parameter}") as caught:
        await scene.run(**{parameter: value})
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert scene.bodies == []


@pytest.mark.parametrize(
    ("entry", "case"),
    [
        pytest.param(entry, case, id=f"{entry}-{case.play.__name__}")
        for entry in ENTRIES
        for case in OUTCOMES
        if frozenset(case.fields) <= FIELDS[entry]
    ],
)
async def test_the_outcome(scene: Scene, case: Outcome) -> None:
    await case.play(scene)
