"""How many tokens: budgets over all model calls of a run, and what a prompt may hold."""

from __future__ import annotations

from typing import Any

from tests.parameters.bodies import TOOLS
from tests.parameters.scene import SMALL, Scene, image, user
from tests.upstream import Call, Fail, Finish, Report, Say
from understudy.v1 import message_pb2, run_pb2, run_step_pb2

_AUTO = {"type": "TRUNCATION_TYPE_AUTO"}


def _long(letter: str) -> dict[str, Any]:
    """A message that is estimated at 104 tokens."""
    return user(letter * 400)


def _kept(scene: Scene, index: int = -1) -> str:
    """The first letters of the messages that were sent."""
    return "".join(text[0] for text in scene.said(index))


async def prompt_budget_over_rounds(scene: Scene) -> None:
    for spent in (600, 300, 200):
        scene.upstream.queue(Call("f"), Report((spent, 1, 0, 0)))
    run = await scene.run(**TOOLS, max_prompt_tokens=1000)
    for _ in range(3):
        assert run.status == run_pb2.RUN_STATUS_REQUIRES_ACTION
        run = await scene.submit(run)
    # The third call could have fitted; the provider counted more than was estimated.
    _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (1100, 3)
    assert len(scene.bodies) == 3
    assert not any(scene.dialect.limit in body for body in scene.bodies)


async def prompt_budget_forbids_a_call_that_would_exceed_it(scene: Scene) -> None:
    scene.upstream.queue(Call("f"), Report((999, 1, 0, 0)))
    run = await scene.submit(await scene.run(**TOOLS, max_prompt_tokens=1000))
    _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (999, 1)
    assert len(scene.bodies) == 1
    (called,) = await scene.steps(run)
    assert called.status == run_step_pb2.RUN_STEP_STATUS_COMPLETED


async def prompt_budget_below_the_question(scene: Scene) -> None:
    cases: list[dict[str, Any]] = [{}, {"instructions": "i" * 800}]
    for given in cases:
        question = user("q" * (800 if given else 1600))
        run = await scene.run(question, max_prompt_tokens=256, **given)
        _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
        assert run.HasField("usage")
        assert run.usage.total_tokens == 0
        assert len(await scene.messages(run.thread_id)) == 1
        assert await scene.steps(run) == []
    assert scene.bodies == []


async def prompt_budget_cuts_the_first_prompt(scene: Scene) -> None:
    run = await scene.run(*map(_long, "abcd"), max_prompt_tokens=256)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED
    assert _kept(scene) == "cd"


async def completion_budget_over_rounds(scene: Scene) -> None:
    for spent in (100, 195, 5):
        scene.upstream.queue(Call("f"), Report((7, spent, 0, 0)))
    run = await scene.run(**TOOLS, max_completion_tokens=300)
    for _ in range(3):
        assert run.status == run_pb2.RUN_STATUS_REQUIRES_ACTION
        run = await scene.submit(run)
    _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS)
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (21, 300)
    limits = [body[scene.dialect.limit] for body in scene.bodies]
    assert limits == [300, 200, max(5, scene.dialect.least)]


async def completion_budget_in_the_middle_of_an_answer(scene: Scene) -> None:
    scene.upstream.queue(Say("Once upon"), Report((7, 256, 0, 0)), Finish("length"))
    run = await scene.run(max_completion_tokens=256)
    _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS)
    assert run.usage.completion_tokens == 256
    _, answer = await scene.messages(run.thread_id)
    assert answer.status == message_pb2.MESSAGE_STATUS_INCOMPLETE
    reason = message_pb2.MESSAGE_INCOMPLETE_REASON_MAX_TOKENS
    assert answer.incomplete_details.reason == reason
    assert answer.content[0].text.value == "Once upon"


async def auto_drops_whole_oldest_messages(scene: Scene) -> None:
    for strategy in ({}, {"truncation_strategy": _AUTO}):
        run = await scene.run(*map(_long, "abcd"), model=SMALL, **strategy)
        assert run.status == run_pb2.RUN_STATUS_COMPLETED
        assert _kept(scene) == "cd"
        assert set(map(len, scene.said())) == {400}
    # The thread itself keeps them all.
    assert len(await scene.messages(run.thread_id)) == 5


async def auto_counts_instructions_and_tools(scene: Scene) -> None:
    given: dict[str, Any] = {"model": SMALL, "truncation_strategy": _AUTO}
    await scene.run(*map(_long, "abcd"), instructions="i" * 400, **given)
    assert _kept(scene) == "d"
    tool = {"function": {"name": "f", "description": "i" * 400}}
    await scene.run(*map(_long, "abcd"), tools={"tools": [tool]}, **given)
    assert _kept(scene) == "d"
    schema = b'{"type":"object","description":"%s"}' % (b"i" * 400)
    format = {"json_schema": {"name": "s", "schema": schema}}
    await scene.run(*map(_long, "abcd"), response_format=format, **given)
    assert _kept(scene) == "d"


async def auto_keeps_room_for_the_answer(scene: Scene) -> None:
    """A quarter of this small window; as much as the answer may have, up to half of it, when that is set."""
    cases: list[tuple[dict[str, Any], str]] = [({}, "cd"), ({"max_completion_tokens": 256}, "d")]
    for given, kept in cases:
        await scene.run(*map(_long, "bcd"), model=SMALL, truncation_strategy=_AUTO, **given)
        assert _kept(scene) == kept


async def auto_counts_every_script(scene: Scene) -> None:
    for letter, each in (("\u0416", 140), ("\u4e16", 95), ("7", 190), ("{", 140)):
        # 113 tokens at least, so that two are too many for 225.
        said = letter * each
        await scene.run(user("a"), user(said), user(said), model=SMALL)
        assert scene.said() == [said]


async def auto_counts_images_by_their_detail(scene: Scene) -> None:
    low, high = image("IMAGE_DETAIL_LOW"), image("IMAGE_DETAIL_HIGH")
    await scene.run(high, low, low, user("Look"), model=SMALL)
    assert len(scene.body[scene.dialect.conversation]) == 3
    await scene.run(low, high, user("Look"), model=SMALL)
    assert scene.said() == ["Look"]


async def a_question_beyond_the_window_is_the_providers_to_refuse(scene: Scene) -> None:
    words = "This model's maximum context length is 300 tokens."
    scene.upstream.queue(Fail(400, words, code="context_length_exceeded"))
    run = await scene.run(user("Before"), user("q" * 4000), model=SMALL)
    assert run.status == run_pb2.RUN_STATUS_FAILED
    assert run.last_error.code == run_pb2.RUN_ERROR_CODE_INVALID_PROMPT
    assert run.last_error.message == words
    assert _kept(scene) == "q"
    assert len(scene.bodies) == 1


async def auto_keeps_a_call_with_its_output(scene: Scene) -> None:
    scene.upstream.queue(Call("f"))
    run = await scene.run(*map(_long, "ab"), model=SMALL, truncation_strategy=_AUTO, **TOOLS)
    run = await scene.submit(run, "o" * 1200)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED, run.last_error
    assert [_kept(scene, index) for index in (0, 1)] == ["ab", "b"]
    assert [line.role for line in scene.lines()] == ["user", "call", "tool"]


async def last_messages(scene: Scene) -> None:
    for count, kept in ((1, "d"), (2, "cd"), (3, "bcd"), (9, "abcd")):
        strategy = {"type": "TRUNCATION_TYPE_LAST_MESSAGES", "last_messages": count}
        await scene.run(*map(user, "abcd"), truncation_strategy=strategy)
        assert _kept(scene) == kept


async def last_messages_still_fit_the_window(scene: Scene) -> None:
    strategy = {"type": "TRUNCATION_TYPE_LAST_MESSAGES", "last_messages": 3}
    await scene.run(*map(_long, "abcd"), model=SMALL, truncation_strategy=strategy)
    assert _kept(scene) == "cd"


async def usage_is_the_sum_of_the_steps(scene: Scene) -> None:
    scene.upstream.queue(Say("Let me see."), Call("f"), Report((10, 2, 1, 0)))
    scene.upstream.queue(Call("f"), Report((20, 4, 2, 3)))
    scene.upstream.queue(Say("Done."), Report((40, 8, 3, 5)))
    run = await scene.run(**TOOLS)
    for _ in range(2):
        run = await scene.submit(run)
    spoken, *others = await scene.steps(run)
    # A turn's usage belongs to its last step.
    assert spoken.usage.total_tokens == 0
    used = [(step.usage.prompt_tokens, step.usage.completion_tokens) for step in others]
    assert used == [(10, 2), (20, 4), (40, 8)]
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (70, 14)
    assert run.usage.total_tokens == 84
    assert run.usage.prompt_token_details.cached_tokens == 6
    assert run.usage.completion_tokens_details.reasoning_tokens == 8


async def no_usage_counts_as_nothing(scene: Scene) -> None:
    for _ in range(2):
        scene.upstream.queue(Call("f"), Report(None))
    scene.upstream.queue(Say("At last"), Report(None))
    run = await scene.run(**TOOLS, max_prompt_tokens=256, max_completion_tokens=256)
    for _ in range(2):
        run = await scene.submit(run)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED
    assert run.HasField("usage")
    assert run.usage.total_tokens == run.usage.prompt_tokens == run.usage.completion_tokens == 0
    assert [body[scene.dialect.limit] for body in scene.bodies] == [256] * 3


def _incomplete(run: run_pb2.Run, reason: run_pb2.RunIncompleteReason.ValueType) -> None:
    assert run.status == run_pb2.RUN_STATUS_INCOMPLETE, run.last_error
    assert run.incomplete_details.reason == reason
    assert run.HasField("completed_at")
