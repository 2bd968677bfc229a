"""Models that say anything in any order: the run ends all the same, and tells what happened.

``UNDERSTUDY_HOSTILE_EXAMPLES`` sets the number of examples (300).
"""

from __future__ import annotations

import asyncio
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.runs.kept import check_kept
from tests.server.runs.scripted import ScriptedModels, Step, Wait
from tests.server.runs.world import follow, function, open_world
from understudy.v1 import run_pb2
from understudy_server.models.port import (
    Finished,
    ModelError,
    OpaqueItem,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)

_TEXTS = st.one_of(
    st.sampled_from(["", " ", "\u202e\u0000\ufeff", "\U0001f9d1\u200d", "x" * 100_000]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
_INDEXES = st.integers(-1, 3)
_TOKENS = st.sampled_from([0, 1, -1, 2**31, 2**63])
_USAGES = st.builds(Usage, prompt_tokens=_TOKENS, completion_tokens=_TOKENS)
_REASONS = st.sampled_from(["stop", "tool_calls", "length", "content_filter"])
_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(TextDelta, text=_TEXTS),
    st.builds(RefusalDelta, text=_TEXTS),
    st.builds(
        ToolCallStarted,
        index=_INDEXES,
        call_id=st.sampled_from(["", "a", "b"]),
        name=st.sampled_from(["f", "", "unknown"]),
    ),
    st.builds(
        ToolCallDelta, index=_INDEXES, arguments=st.sampled_from(["", "{", "{}", "nonsense"])
    ),
    st.builds(OpaqueItem, json=st.binary(max_size=9)),
    st.builds(Finished, reason=_REASONS, usage=st.none() | _USAGES),
    st.builds(
        ModelError,
        code=st.sampled_from(["server_error", "rate_limit_exceeded", "invalid_prompt"]),
        message=st.just("broken"),
    ),
    st.builds(RuntimeError, st.just("a bug")),
    st.builds(Wait),
)
_ENDED = {
    run_pb2.RUN_STATUS_COMPLETED,
    run_pb2.RUN_STATUS_INCOMPLETE,
    run_pb2.RUN_STATUS_FAILED,
    run_pb2.RUN_STATUS_EXPIRED,
}


@settings(max_examples=int(os.environ.get("UNDERSTUDY_HOSTILE_EXAMPLES", "300")))
@given(st.lists(_STEPS, max_size=8))
def test_a_hostile_model_only_ends_its_run(script: list[Step]) -> None:
    asyncio.run(_play(script))


async def _play(script: list[Step]) -> None:
    async with open_world(ScriptedModels(script)) as world:
        core = world.core()
        assistant = await world.assistant(core, tools=[function("f")])
        thread = await world.thread(core, "Hi")
        begun = await world.run(core, thread, assistant)
        seen = await world.clock.run_until(follow(core, begun))
        run = await world.state(core, begun)
        assert run.status in _ENDED | {run_pb2.RUN_STATUS_REQUIRES_ACTION}
        failed = run.status == run_pb2.RUN_STATUS_FAILED
        assert run.HasField("last_error") == failed
        assert bool(run.last_error.message) == failed
        assert bool((await world.head(thread)).active_run) == (run.status not in _ENDED)
        await check_kept(world, core, begun, seen)
