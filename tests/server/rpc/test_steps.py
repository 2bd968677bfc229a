"""What callers learn of a step and of the model call behind it, and what they do not."""

from __future__ import annotations

import orjson
import pytest

from tests.server.runs.scripted import ScriptedModels, Step, says
from tests.server.runs.world import Core, World, caller, follow, open_world
from understudy.v1 import run_step_pb2
from understudy_server.errors import DomainError, InvalidRequest, NotFound, Unimplemented
from understudy_server.models.port import Sent
from understudy_server.rpc.caller import Caller

STRANGER = Caller(project="other", key_id="", request_id="")
SCRIPT: list[Step] = [
    Sent(dialect="chat", url=None, body=orjson.dumps({"secret": "of the project"})),
    *says("Done"),
]


async def _asked(
    world: World[ScriptedModels], core: Core
) -> run_step_pb2.GetRunStepModelCallRequest:
    """About the only step of a run that has ended."""
    thread = await world.thread(core, "Hi")
    begun = await world.run(core, thread, await world.assistant(core))
    await world.clock.run_until(follow(core, begun))
    (step,) = await world.steps(core, begun)
    return run_step_pb2.GetRunStepModelCallRequest(
        thread_id=thread, run_id=begun.spec.run.id, step_id=step.id
    )


async def test_a_step_tells_when_it_expires_only_while_its_run_lives() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, await world.assistant(core))
        await world.clock.run_until(follow(core, begun))
        (step,) = await world.steps(core, begun)
        assert not step.HasField("expires_at")
        one = run_step_pb2.GetRunStepRequest(
            thread_id=thread, run_id=begun.spec.run.id, step_id=step.id
        )
        assert await core.steps.get(caller(), one) == step


async def test_a_server_that_keeps_nothing_says_how_to_change_that() -> None:
    async with open_world(ScriptedModels(SCRIPT)) as world:
        core = world.core()
        with pytest.raises(Unimplemented, match="UNDERSTUDY_KEEP_MODEL_REQUESTS=true"):
            await core.steps.model_call(caller(), await _asked(world, core))


async def test_a_step_from_before_has_none() -> None:
    async with open_world(ScriptedModels(SCRIPT)) as world:
        before = await _asked(world, world.core())
        world.keep_model_requests = True
        with pytest.raises(NotFound, match=f"'{before.step_id}'.* was off"):
            await world.core().steps.model_call(caller(), before)


async def test_what_is_kept_is_not_shown_once_the_setting_is_off_again() -> None:
    async with open_world(ScriptedModels(SCRIPT)) as world:
        world.keep_model_requests = True
        keeping = world.core()
        asked = await _asked(world, keeping)
        assert (await keeping.steps.model_call(caller(), asked)).step_id == asked.step_id
        world.keep_model_requests = False
        with pytest.raises(Unimplemented):
            await world.core().steps.model_call(caller(), asked)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"thread_id": "thread_x"}, NotFound, "No thread found with id 'thread_x'."),
        ({"run_id": "run_x"}, NotFound, "No run found with id 'run_x'."),
        ({"step_id": "step_x"}, NotFound, "No run step found with id 'step_x'."),
        ({"step_id": "x"}, InvalidRequest, "Invalid 'step_id': 'x'."),
    ],
)
async def test_what_is_not_there(
    keeps: bool, change: dict[str, str], error: type[DomainError], words: str
) -> None:
    async with open_world(ScriptedModels(SCRIPT)) as world:
        world.keep_model_requests = keeps
        core = world.core()
        asked = await _asked(world, core)
        for name, value in change.items():
            setattr(asked, name, value)
        with pytest.raises(error) as refused:
            await core.steps.model_call(caller(), asked)
        assert refused.value.message.startswith(words)


@pytest.mark.parametrize("keeps", [True, False])
async def test_another_project_learns_nothing(keeps: bool) -> None:
    async with open_world(ScriptedModels(SCRIPT)) as world:
        world.keep_model_requests = keeps
        core = world.core()
        asked = await _asked(world, core)
        with pytest.raises(NotFound, match=f"No thread found with id '{asked.thread_id}'"):
            await core.steps.model_call(STRANGER, asked)
