"""What clients did and saw, to be held against what the server tells afterwards."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

Shape: TypeAlias = Literal["talk", "tools", "functions", "mixed", "long"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``id`` is empty where an SDK did not show it."""

    name: str
    data: dict[str, Any]
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is made to do: one script a round, with what should come of it."""

    question: str
    answers: tuple[str, ...]
    """The texts of the run's messages, if it completes."""
    shouts: tuple[str, ...] = ()
    """What the server's own function is called with."""

    @staticmethod
    def drawn(shape: Shape, source: random.Random) -> Plan:
        words = _words(source)
        tokens = source.randint(2, 12)
        talk: list[dict[str, Any]] = [
            {"tokens": tokens, "every": 0.02},
            {"say": [" ", last := next(words)]},
        ]
        answer = _tokens(tokens) + f" {last}"
        rounds: list[list[dict[str, Any]]] = []
        answers: list[str] = []
        shouts: list[str] = []
        if shape == "long":
            rounds = [[{"say": [last]}, {"tokens": 400, "every": 0.02}]]
            return Plan(question=_directive(rounds), answers=(last + _tokens(400),))
        for _ in range(source.randint(1, 2) if shape != "talk" else 0):
            steps: list[dict[str, Any]] = []
            if source.random() < 0.5:
                said = next(words)
                steps.append({"say": [said[:8], said[8:]]})
                answers.append(said)
            for name in _CALLS[shape]:
                text = next(words)
                steps.append({"call": name, "arguments": {"text": text}, "id": f"call_{text}"})
                if name == "shout":
                    shouts.append(text)
            rounds.append(steps)
        return Plan(
            question=_directive([*rounds, talk]),
            answers=(*answers, answer),
            shouts=tuple(shouts),
        )


@dataclass(kw_only=True)
class Labels:
    """A value that is written again and again: which of them may be there now."""

    acknowledged: str = ""
    unknown: set[str] = field(default_factory=set)
    """Of writes without an answer: they may still come through, at any time."""

    def possible(self) -> set[str]:
        return {self.acknowledged, *self.unknown}


@dataclass(kw_only=True)
class Turn:
    """One run, from its question on."""

    plan: Plan
    run_id: str = ""
    """Empty while its client does not know it."""
    cancelled: bool = False
    """The server has accepted a cancel."""
    cancel_tried: bool = False
    events: list[Event] = field(default_factory=list)
    """What was streamed, over all its rounds."""
    streamed: bool = False
    """Whether ``events`` are all that there were."""
    outputs: dict[str, str] = field(default_factory=dict)
    """What was submitted and accepted, by call id."""
    labels: Labels = field(default_factory=Labels)


@dataclass(kw_only=True)
class Conversation:
    thread_id: str
    turns: list[Turn] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)
    said: list[str] = field(default_factory=list)
    """Messages besides questions that were acknowledged."""


_CALLS: dict[Shape, tuple[str, ...]] = {
    "tools": ("ask", "ask"),
    "functions": ("shout",),
    "mixed": ("shout", "ask"),
}
"""What a run calls in a round: the application answers ``ask``, the server ``shout``."""


def answer_calls(required: dict[str, Any]) -> dict[str, str]:
    """The outputs for a run's ``required_action``, by call id."""
    outputs = {}
    for call in required["submit_tool_outputs"]["tool_calls"]:
        assert call["function"]["name"] == "ask", call
        outputs[call["id"]] = "answer to " + json.loads(call["function"]["arguments"])["text"]
    return outputs


def given(outputs: dict[str, str]) -> list[dict[str, str]]:
    """Outputs by call id, as a request submits them."""
    return [{"tool_call_id": id, "output": output} for id, output in outputs.items()]


def _tokens(count: int) -> str:
    return "".join(f" token{number}" for number in range(count))


def _directive(rounds: list[list[dict[str, Any]]]) -> str:
    return f"scripted:{json.dumps(rounds)}"


def _words(source: random.Random) -> Iterator[str]:
    """Texts that never come twice, though they follow from the seed."""
    while True:
        yield UUID(int=source.getrandbits(128)).hex
