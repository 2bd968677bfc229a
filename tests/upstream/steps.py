"""What the scripted upstream can be told to do, step by step, in Python or as JSON.

Each class states its JSON form. After the last step the answer ends as OpenAI's would: by itself
with ``stop`` (``tool_calls`` after calls), with a usage. ``Gate``, ``Stall`` and ``Drop`` as the
first steps happen before the response begins; put an empty ``Say()`` first to have them after it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

QuirkName: TypeAlias = Literal[
    "comments",  # a comment line before each event
    "crlf",  # lines end in CRLF
    "empty_message",  # responses: a message item without content comes first
    "no_arguments_deltas",  # arguments only whole: in the `done` events, or in one chat chunk
    "no_call_ids",  # calls come without their id
    "no_call_indexes",  # chat: tool_calls without `index`
    "no_done",  # chat: no `data: [DONE]`
    "no_event_lines",  # responses: no `event:` lines
    "no_sequence_numbers",  # responses: no `sequence_number`
    "repeated_names",  # chat: each piece of a call repeats its name
    "single_bytes",  # each byte is written on its own
    "usage_with_finish",  # chat: usage in the chunk of the finish reason
]


@dataclass(frozen=True)
class Say:
    """Text, in these chunks. ``{"say": ["Hel", "lo"]}``, or one text, cut into words."""

    chunks: tuple[str, ...]

    def __init__(self, *chunks: str) -> None:
        object.__setattr__(self, "chunks", chunks)


@dataclass(frozen=True)
class Echo:
    """The whole conversation as the upstream saw it, a line per item. ``{"echo": true}``."""


@dataclass(frozen=True)
class Tokens:
    """A long run: ``count`` tokens, ``every`` so many seconds. ``{"tokens": 9, "every": 0.1}``."""

    count: int
    every: float = 0.0


@dataclass(frozen=True)
class Refuse:
    """A refusal. ``{"refuse": "I will not."}``."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function call; neighbours are parallel. ``{"call": "f", "arguments": {}, "id": "c1"}``."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True)
class Reason:
    """A reasoning item with this encrypted content (Responses only). ``{"reason": "gAAA"}``."""

    encrypted: str


@dataclass(frozen=True)
class Finish:
    """End early. ``{"finish": "length"}`` or ``"content_filter"``."""

    reason: Literal["length", "content_filter"]


@dataclass(frozen=True)
class Report:
    """The usage: None for none at all. ``{"usage": [7, 5, 2, 1]}`` or ``{"usage": null}``.

    The numbers are prompt, completion, cached and reasoning tokens.
    """

    usage: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Gate:
    """Wait until ``release(name)``. ``{"gate": "name"}``."""

    name: str


@dataclass(frozen=True)
class Stall:
    """Send nothing more, and keep the connection open. ``{"stall": true}``."""


@dataclass(frozen=True)
class Drop:
    """Close the connection here. ``{"drop": true}``."""


@dataclass(frozen=True)
class Raw:
    """Send exactly this. ``{"raw": "data: {oops"}``."""

    text: str


@dataclass(frozen=True)
class Error:
    """An error event in the middle, the end of the answer. ``{"error": "server_error"}``.

    ``failed`` sends ``response.failed`` rather than ``error`` (Responses only).
    """

    code: str
    message: str = "The server had an error."
    failed: bool = False


@dataclass(frozen=True)
class Fail:
    """Answer with this status instead, ``times`` times; as the first step only.

    ``{"fail": 429, "code": "rate_limit_exceeded", "message": "Slow.", "retry_after": 1}``.
    ``times`` counts requests with the same directive; in the queue, each script is one request.
    """

    status: int
    message: str = "Scripted failure."
    code: str | None = None
    type: str = "invalid_request_error"
    param: str | None = None
    retry_after: float | None = None
    times: int = 1


@dataclass(frozen=True)
class Quirks:
    """Misbehave throughout, as some servers do. ``{"quirks": ["crlf", "no_done"]}``."""

    names: tuple[QuirkName, ...]

    def __init__(self, *names: QuirkName) -> None:
        object.__setattr__(self, "names", names)


Step: TypeAlias = (
    Say
    | Echo
    | Tokens
    | Refuse
    | Call
    | Reason
    | Finish
    | Report
    | Gate
    | Stall
    | Drop
    | Raw
    | Error
    | Fail
    | Quirks
)
Script: TypeAlias = tuple[Step, ...]


def words(text: str) -> tuple[str, ...]:
    """Roughly a model's tokens: words, each with the space before it."""
    return tuple(re.findall(r"\s*\S+|\s+$", text))


def parse_scripts(value: Any) -> tuple[Script, ...]:
    """One script, or one per tool round; raises ``ValueError``."""
    if not isinstance(value, list):
        raise ValueError("a script is a list of steps")  # noqa: TRY004  (bad JSON is a bad value)
    rounds = value if value and isinstance(value[0], list) else [value]
    return tuple(tuple(parse_step(step) for step in script) for script in rounds)


def parse_step(step: dict[str, Any]) -> Step:
    """Raises ``ValueError`` for what is not in this file."""
    kind, value = next(iter(step.items()))
    rest = {name: step[name] for name in step if name != kind}
    match kind:
        case "say":
            return Say(*(words(value) if isinstance(value, str) else value), **rest)
        case "echo":
            return Echo(**rest)
        case "tokens":
            return Tokens(value, **rest)
        case "refuse":
            return Refuse(value, **rest)
        case "call":
            arguments = rest.pop("arguments", {})
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            return Call(value, text, **rest)
        case "reason":
            return Reason(value, **rest)
        case "finish":
            return Finish(value, **rest)
        case "usage":
            given = None if value is None else (*value, 0, 0)
            return Report(None if given is None else (given[0], given[1], given[2], given[3]))
        case "gate":
            return Gate(value, **rest)
        case "stall":
            return Stall(**rest)
        case "drop":
            return Drop(**rest)
        case "raw":
            return Raw(value, **rest)
        case "error":
            return Error(value, **rest)
        case "fail":
            return Fail(value, **rest)
        case "quirks":
            return Quirks(*value, **rest)
        case _:
            raise ValueError(f"unknown step: {kind}")
