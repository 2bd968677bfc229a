"""When the caller hears of a run: at once, at its end, after a time, or all along."""

from __future__ import annotations

from tests.parameters.scene import Scene
from tests.upstream import Gate, Say
from understudy.v1 import event_pb2, run_pb2


async def a_stream_comes_to_the_same(scene: Scene) -> None:
    polled = await scene.run()
    events = await scene.stream(stream=True)
    (streamed,) = [e.run_completed for e in events if e.HasField("run_completed")]
    assert scene.bodies[0] == scene.bodies[1]
    assert _lasting(streamed) == _lasting(polled)
    text = "".join(map(_said, events))
    *_, answer = await scene.messages(streamed.thread_id)
    assert answer.content[0].text.value == text == "echo: Hi"


def _said(event: event_pb2.RunEvent) -> str:
    return "".join(part.text.value for part in event.message_delta.delta.content)


def _lasting(run: run_pb2.Run) -> run_pb2.Run:
    """Without what differs from run to run."""
    kept = run_pb2.Run()
    kept.CopyFrom(run)
    for name in ("id", "thread_id", "assistant_id", "created_at", "started_at", "completed_at"):
        kept.ClearField(name)
    return kept


async def without_wait_it_is_queued(scene: Scene) -> None:
    gate = f"{scene.entry} without wait"
    scene.upstream.queue(Say(), Gate(gate), Say("Hello"))
    run = await scene.run(wait=False)
    assert run.status in {run_pb2.RUN_STATUS_QUEUED, run_pb2.RUN_STATUS_IN_PROGRESS}
    await scene.upstream.reached(gate)
    scene.upstream.release(gate)
    waited = await scene.run(wait=True)
    assert waited.status == run_pb2.RUN_STATUS_COMPLETED


async def not_longer_than_asked(scene: Scene) -> None:
    gate = f"{scene.entry} with a timeout"
    scene.upstream.queue(Say("Hel"), Gate(gate), Say("lo"))
    run = await scene.run(wait=True, wait_timeout=1)
    # On a machine that stands still for that second the run has not begun yet.
    assert run.status in {run_pb2.RUN_STATUS_QUEUED, run_pb2.RUN_STATUS_IN_PROGRESS}
    await scene.upstream.reached(gate)
    scene.upstream.release(gate)
