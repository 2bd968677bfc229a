"""Events: their ids, their names, and the run that readers see in them."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import event_pb2, run_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.runs import events as ev
from understudy_server.runs import machine
from understudy_server.store.port import EventId


@pytest.mark.parametrize(
    ("text", "id"), [("", EventId(0, 0)), ("1-5", EventId(1, 5)), ("12-340", EventId(12, 340))]
)
def test_event_ids(text: Any, id: Any) -> None:
    assert ev.parse_event_id(text) == id


@pytest.mark.parametrize(
    "text", ["5", "-", "1-", "-1", "a-1", "1-b", "1-1-1", "1-²", "1-" + "9" * 19, " 1-1"]
)
def test_what_is_no_event_id(text: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ev.parse_event_id(text)
    assert refused.value.param == "after"


@pytest.mark.parametrize("status", [s for s in run_pb2.RunStatus.values() if s])
def test_every_status_has_its_event(status: Any) -> None:
    event = ev.run_changed(run_pb2.Run(status=status))
    word = run_pb2.RunStatus.Name(status).removeprefix("RUN_STATUS_").lower()
    assert event.WhichOneof("event") == f"run_{word}"
    assert ev.ends_stream(event) is (status in machine.TERMINAL or word == "requires_action")


def test_a_reader_sees_spec_and_state_joined_and_the_logged_event_stays() -> None:
    spec = run_pb2.Run(id="run_1", instructions="Be kind", metadata={})
    event = ev.run_changed(run_pb2.Run(status=machine.QUEUED, metadata={"k": "v"}))
    event.id = "1-2"
    before = event.SerializeToString(deterministic=True)
    shown = ev.present(event, spec)
    assert (shown.id, shown.run_queued.id, shown.run_queued.instructions) == (
        "1-2",
        "run_1",
        "Be kind",
    )
    assert shown.run_queued.metadata == {"k": "v"}
    assert event.SerializeToString(deterministic=True) == before


def test_what_is_not_about_the_run_is_shown_as_it_is() -> None:
    event = event_pb2.RunEvent(id="1-1", step_created={"id": "step_1"})  # type: ignore[arg-type]
    assert ev.present(event, run_pb2.Run(id="run_1")) is event


def test_numbers_follow_the_start_and_share_an_entry() -> None:
    events = ev.number([event_pb2.RunEvent(), event_pb2.RunEvent()], EventId(3, 7))
    assert [event.id for event in events] == ["3-8", "3-9"]
    entry = ev.entry(events)
    assert (entry.first, entry.last) == (EventId(3, 8), EventId(3, 9))
    assert ev.events_of([entry, entry]) == [*events, *events]
