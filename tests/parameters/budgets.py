"""How many tokens: budgets over all model calls of a run, and what a prompt may hold."""

from __future__ import annotations

from typing import Any

from tests.parameters.bodies import TOOLS
from tests.parameters.scene import SMALL, Scene, user
from tests.upstream import Call, Finish, Report, Say
from understudy.v1 import message_pb2, run_pb2

_AUTO = {"type": "TRUNCATION_TYPE_AUTO"}


def _long(letter: str) -> dict[str, Any]:
    """A message that is estimated at 104 tokens."""
    return user(letter * 400)


def _kept(scene: Scene, index: int = -1) -> str:
    """The first letters of the messages that were sent."""
    return "".join(text[0] for text in scene.said(index))


async def prompt_budget_over_rounds(scene: Scene) -> None:
    scene.upstream.queue(Call("f"), Report((600, 1, 0, 0)))
    scene.upstream.queue(Call("f"), Report((399, 1, 0, 0)))
    scene.upstream.queue(Call("f"), Report((1, 1, 0, 0)))
    run = await scene.run(**TOOLS, max_prompt_tokens=1000)
    for _ in range(3):
        assert run.status == run_pb2.RUN_STATUS_REQUIRES_ACTION
        run = await scene.submit(run)
    _incomplete(run, run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS)
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (1000, 3)
    assert len(scene.bodies) == 3
    assert not any(scene.dialect.limit in body for body in scene.bodies)


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
