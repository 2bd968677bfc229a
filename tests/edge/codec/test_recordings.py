"""Recorded streams, read and written again: the same keys in the same order, byte for byte."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.message_factory import GetMessageClass

from tests.edge.codec.served import CODEC
from understudy.v1 import event_pb2

RECORDINGS = sorted((Path(__file__).parents[2] / "recordings").glob("*.sse"))
BRANCHES = {
    branch.options.event: branch
    for branch in CODEC.plan(event_pb2.RunEvent.DESCRIPTOR).members
    if branch.options.event
}


def events(recording: Path) -> list[tuple[str, bytes]]:
    found = []
    for block in recording.read_bytes().strip().split(b"\n\n"):
        name, data = block.split(b"\n")
        found.append((name.removeprefix(b"event: ").decode(), data.removeprefix(b"data: ")))
    assert found.pop() == ("done", b"[DONE]")
    return found


def as_we_say_it(name: str, payload: bytes) -> bytes:
    """The deviations from the recorded bytes, all of which add keys that the specification or the type has."""
    value: dict[str, Any] = orjson.loads(payload)
    if value["object"] == "thread.run.step":
        # Steps have `expired_at` and `metadata`, as the official schema requires.
        items = list(value.items())
        at = next(i for i, (key, _) in enumerate(items) if key == "failed_at")
        items.insert(at, ("expired_at", None))
        value = dict([*items, ("metadata", {})])
    if value["object"].startswith("thread.run.step"):
        details = value.get("step_details") or value["delta"]["step_details"]
        for call in details.get("tool_calls", []):
            # One type holds the ranking options of tools and of calls; those of tools have `hybrid_search`.
            if options := call.get("file_search", {}).get("ranking_options"):
                options["hybrid_search"] = None
    return orjson.dumps(value)


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) == 4


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_recorded_events_come_out_as_recorded(recording: Path) -> None:
    for name, payload in events(recording):
        branch = BRANCHES[name]
        assert branch.message
        message_class = GetMessageClass(CODEC.plan_of(branch.message).descriptor)
        event = event_pb2.RunEvent()
        getattr(event, branch.name).CopyFrom(CODEC.decode_body(message_class, payload))
        assert CODEC.encode_event(event) == (name, as_we_say_it(name, payload))
