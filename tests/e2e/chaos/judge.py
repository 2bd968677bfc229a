"""The invariants, as a client can see them after all trouble is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.e2e.chaos.ledger import Conversation, Event, Plan, Turn

TOO_MANY_DEATHS = "The servers that worked on this run went away, one after the other."
ABANDONED = {"thread.message.incomplete", "thread.run.step.failed"}
"""What a takeover says of each message and step that the core before it had open."""
_DELTAS = {"thread.message.delta", "thread.run.step.delta"}
_BEGUN = {"thread.message.created", "thread.run.step.created"}
_ENDED = {
    *(f"thread.message.{word}" for word in ("completed", "incomplete")),
    *(f"thread.run.step.{word}" for word in ("completed", "failed", "cancelled", "expired")),
}
TERMINAL = {"completed", "cancelled", "failed", "incomplete", "expired"}


def without_superseded(shown: Sequence[Event], logged: Sequence[Event]) -> list[Event]:
    """``shown`` without the deltas that a dead core had shown beyond its log.

    Only those of messages and steps that the log closes for a core that went away, and only behind
    those of their deltas that are logged.
    """
    abandoned = {event.data["id"] for event in logged if event.name in ABANDONED}
    left = Counter(event.data["id"] for event in logged if event.name in _DELTAS)
    found = []
    for event in shown:
        if event.name in _DELTAS:
            left[event.data["id"]] -= 1
            if left[event.data["id"]] < 0 and event.data["id"] in abandoned:
                continue
        found.append(event)
    return found


def check_events(shown: Sequence[Event], logged: Sequence[Event]) -> None:
    """Each durable event was seen once and in order, wherever it came from."""
    left = without_superseded(shown, logged)
    for mine, theirs in zip(left, logged, strict=False):
        assert (mine.name, mine.data) == (theirs.name, theirs.data), f"after {mine.id}"
    assert len(left) == len(logged), (left[len(logged) :], logged[len(left) :])
    ids = [event.id for event in shown if event.id]
    assert ids == sorted(set(ids), key=_number)
    if ids:
        assert [event.id for event in left] == [event.id for event in logged]


def check_log(logged: Sequence[Event], status: str) -> None:
    """Each message and step that has begun has ended, once, and the run's end is the last of all."""
    begun = [event.data["id"] for event in logged if event.name in _BEGUN]
    ended = [event.data["id"] for event in logged if event.name in _ENDED]
    assert len(set(begun)) == len(begun)
    assert sorted(begun) == sorted(ended)
    assert logged[-1].name == f"thread.run.{status}"


def check_run(turn: Turn, run: dict[str, Any], steps: Sequence[dict[str, Any]]) -> None:
    """A run is terminal, for a reason; what was submitted and accepted is kept."""
    assert run["status"] in TERMINAL
    if turn.cancelled:
        assert run["status"] == "cancelled"
    elif run["status"] == "cancelled":
        assert turn.cancel_tried
    elif run["status"] == "failed":
        assert run["last_error"]["message"] == TOO_MANY_DEATHS, run["last_error"]
    else:
        assert run["status"] == "completed", run
    assert run["required_action"] is None
    assert (run["metadata"] or {}).get("label", "") in turn.labels.possible()
    calls = [
        call
        for step in steps
        if step["type"] == "tool_calls"
        for call in step["step_details"]["tool_calls"]
    ]
    assert max(Counter(call["id"] for call in calls).values(), default=1) == 1
    told = {call["id"]: call["function"].get("output") for call in calls}
    assert turn.outputs.items() <= told.items()
    if run["status"] == "completed":
        ours = {f"call_{text}": f"{text.upper()}" for text in turn.plan.shouts}
        assert ours.items() <= told.items()
    assert all(step["status"] != "in_progress" for step in steps), steps


def check_messages(
    conversation: Conversation,
    statuses: Sequence[str],
    messages: Sequence[dict[str, Any]],
) -> None:
    """Nothing acknowledged is lost, nothing is there twice, and each answer follows its question.

    ``messages``: oldest first; ``statuses``: of the turns' runs.
    """
    texts = [text_of(message) for message in messages]
    own = [t for t, m in zip(texts, messages, strict=True) if m["role"] == "user"]
    questions = [turn.plan.question for turn in conversation.turns]
    assert Counter(own) == Counter(questions + conversation.said)
    assert [text for text in own if text in set(questions)] == questions
    for turn, status in zip(conversation.turns, statuses, strict=True):
        asked = texts.index(turn.plan.question)
        mine = [n for n, message in enumerate(messages) if message["run_id"] == turn.run_id]
        assert all(number > asked for number in mine)
        check_answers(turn.plan, status, [messages[number] for number in mine])


def check_answers(plan: Plan, status: str, messages: Sequence[dict[str, Any]]) -> None:
    """The run's messages: all of them, or the first ones and perhaps a part of the next."""
    whole = [text_of(message) for message in messages if message["status"] == "completed"]
    if status == "completed":
        assert whole == list(plan.answers), (plan, messages)
        assert len(messages) == len(whole)
        return
    assert plan.answers[: len(whole)] == tuple(whole)
    rest = messages[len(whole) :]
    assert [message["status"] for message in rest] in ([], ["incomplete"])
    assert all(plan.answers[len(whole)].startswith(text_of(message)) for message in rest)


def check_calls(calls: Sequence[tuple[str, str]]) -> None:
    """A function may be called again after a crash, but with the call id that it had."""
    assert all(call_id == f"call_{text}" for call_id, text in calls)


def text_of(message: dict[str, Any]) -> str:
    (part,) = message["content"]
    value: str = part["text"]["value"]
    return value


def _number(id: str) -> tuple[int, int]:
    attempt, _, n = id.partition("-")
    return int(attempt), int(n)
