"""Whether what a reader of a run saw is what is stored of it: the same things, whole, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.server.runs.world import Core, World, ids
from understudy.v1 import content_pb2, event_pb2, message_pb2, run_pb2, run_step_pb2
from understudy_server.rpc.runs import Begun

MESSAGE_ENDS = ("message_completed", "message_incomplete")
STEP_ENDS = ("step_completed", "step_failed", "step_cancelled", "step_expired")


async def check_kept(
    world: World[Any], core: Core, begun: Begun, seen: Sequence[event_pb2.RunEvent]
) -> None:
    """``seen``: everything that a reader has seen of a run, from its creation to its end or its waiting."""
    assert ids(seen) == ids(await world.log(begun))
    # Read again from the store, as somebody who comes late; the log alone holds runs without their settings.
    assert list(seen) == await world.clock.run_until(world.resume(core, begun))
    run = await world.state(core, begun)
    waits = run.status == run_pb2.RUN_STATUS_REQUIRES_ACTION
    messages = await world.messages(core, begun.spec.run.thread_id)
    _check_messages(seen, [m for m in messages if m.run_id == begun.spec.run.id])
    _check_steps(seen, await world.steps(core, begun), waits=waits)


def _check_messages(
    seen: Sequence[event_pb2.RunEvent], stored: Sequence[message_pb2.Message]
) -> None:
    opened = [event.message_created.id for event in _of(seen, "message_created")]
    ended = [getattr(event, end) for end in MESSAGE_ENDS for event in _of(seen, end)]
    assert Counter(opened) == Counter(message.id for message in ended)
    assert len(set(opened)) == len(opened)
    assert {m.id: m for m in stored} == {m.id: m for m in ended}
    assert len(stored) == len(ended)
    for message in ended:
        deltas = [e for e in _of(seen, "message_delta") if e.message_delta.id == message.id]
        assert _spelled(deltas) == [_words(part) for part in message.content]
        assert all(kind and text for kind, text in _spelled(deltas))


def _check_steps(
    seen: Sequence[event_pb2.RunEvent], stored: Sequence[run_step_pb2.RunStep], *, waits: bool
) -> None:
    opened = [event.step_created.id for event in _of(seen, "step_created")]
    ended = [getattr(event, end) for end in STEP_ENDS for event in _of(seen, end)]
    left = Counter(opened) - Counter(step.id for step in ended)
    assert len(left) == waits
    assert set(left.values()) <= {1}
    assert sorted(opened) == sorted(step.id for step in stored)
    for step in stored:
        events = [_without_expiry(e) for e in ended if e.id == step.id]
        assert events == ([] if step.id in left else [_without_expiry(step)])
        # A call is stored when it is whole; what a run that ends meanwhile has shown of it stays in its events.
        if step.step_details.tool_calls.tool_calls or step.id in left:
            deltas = [e for e in _of(seen, "step_delta") if e.step_delta.id == step.id]
            assert _called(deltas) == [
                (call.id, call.function.name, call.function.arguments)
                for call in step.step_details.tool_calls.tool_calls
            ]


def _without_expiry(step: run_step_pb2.RunStep) -> run_step_pb2.RunStep:
    """A step tells it only while its run lives, which at its own end it still does."""
    bare = run_step_pb2.RunStep()
    bare.CopyFrom(step)
    bare.ClearField("expires_at")
    return bare


def _of(seen: Sequence[event_pb2.RunEvent], branch: str) -> list[event_pb2.RunEvent]:
    return [event for event in seen if event.WhichOneof("event") == branch]


def _words(part: content_pb2.ContentPart) -> tuple[str, str]:
    return ("refusal", part.refusal) if part.HasField("refusal") else ("text", part.text.value)


def _spelled(deltas: Sequence[event_pb2.RunEvent]) -> list[tuple[str, str]]:
    """The kind and text of each part of a message, put together from its deltas."""
    parts: list[tuple[str, str]] = []
    for event in deltas:
        for delta in event.message_delta.delta.content:
            refused = bool(delta.refusal)
            if delta.index == len(parts):
                parts.append(("refusal" if refused else "text", ""))
            kind, text = parts[delta.index]
            assert refused == (kind == "refusal")
            parts[delta.index] = (kind, text + delta.refusal + delta.text.value)
    return parts


def _called(deltas: Sequence[event_pb2.RunEvent]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call, put together from the deltas of their step."""
    calls: list[tuple[str, str, str]] = []
    for event in deltas:
        for delta in event.step_delta.delta.step_details.tool_calls.tool_calls:
            if delta.index == len(calls):
                calls.append(("", "", ""))
            id, name, arguments = calls[delta.index]
            function = delta.function
            calls[delta.index] = (
                id + delta.id,
                name + function.name,
                arguments + function.arguments,
            )
    return calls
