"""Streams of real events that have been lost, repeated, moved, bent and mixed with others."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.models.hostile.framing import sent
from tests.models.hostile.oddities import ARGUMENTS, NAMES, NUMBERS, TEXTS, VALUES
from tests.models.hostile.plain import Event, sse, writer
from tests.models.hostile.wire import Answer, Close, Stall
from understudy_server.models.provider import DialectName

_IDS = st.sampled_from(["call_a", "call_b", "", "c" * 2_000, "ü\x00", None, 7])
_CODES = st.sampled_from(
    ["server_error", "rate_limit_exceeded", "invalid_prompt", "content_filter", "", None, 503, 429]
)


@st.composite
def told(draw: st.DrawFn, dialect: DialectName) -> list[Event]:
    """The events of an answer with anything in it."""
    write = writer(dialect)
    events = [*write.start()]
    for number in range(draw(st.integers(0, 4))):
        match draw(st.sampled_from(["say", "say", "refuse", "call", "call", "reason"])):
            case "say":
                events += write.say(draw(TEXTS))
            case "refuse":
                events += write.refuse(draw(TEXTS))
            case "call":
                events += write.call(draw(NAMES), draw(ARGUMENTS), f"call_{number}")
            case _:
                events += write.reason(draw(st.sampled_from(["gAAA", ""])))
    reason = draw(st.sampled_from(["", "", "length", "content_filter", "stop", "odd"]))
    usage = draw(st.sampled_from([(4, 3, 2, 1), (0, 0, 0, 0), (-1, -1, -1, -1), None]))
    events += write.finish(reason, usage)
    # A writer gives out the same objects again and again.
    copied: list[Event] = json.loads(json.dumps(events))
    return copied


@st.composite
def _piece(draw: st.DrawFn) -> dict[str, Any]:
    """A part of a call, as the chat dialect streams it."""
    function = draw(
        st.fixed_dictionaries({}, optional={"name": NAMES, "arguments": ARGUMENTS | VALUES})
    )
    fields: dict[str, Any] = {
        "index": st.sampled_from([0, 0, 1, 1, 2, -1, 10**9, None, "0", 1.0]),
        "id": _IDS,
        "function": st.just(function),
        "type": st.just("function"),
    }
    piece: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=fields))
    return piece


@st.composite
def _odd_chunk(draw: st.DrawFn) -> Event:
    delta: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "content": TEXTS | VALUES | st.just([{"type": "text", "text": "part"}]),
                "refusal": TEXTS,
                "reasoning_content": TEXTS,
                "tool_calls": st.lists(_piece(), max_size=3),
                "function_call": st.just({"name": "f", "arguments": "{}"}),
            },
        )
    )
    choice = {"index": draw(st.sampled_from([0, 0, 0, 1, -1])), "delta": delta}
    if draw(st.integers(0, 4)) == 0:
        reasons = ["stop", "length", "content_filter", "tool_calls", "error", "", 5, "eos"]
        choice["finish_reason"] = draw(st.sampled_from(reasons))
    return draw(
        st.sampled_from(
            [
                {"choices": [choice]},
                {"choices": [choice]},
                {"choices": [choice], "usage": {"prompt_tokens": draw(NUMBERS)}},
                {"error": {"code": draw(_CODES), "message": draw(TEXTS)}},
                {"error": draw(VALUES)},
            ]
        )
    )


@st.composite
def _odd_event(draw: st.DrawFn) -> Event:
    place: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "output_index": st.sampled_from([0, 1, 2, -1, 10**9, "0", None, 1.5, []]),
                "item_id": st.sampled_from(["fc_0", "msg_0", "", None, 7]),
                "content_index": st.sampled_from([0, 1, -1, None, "x"]),
            },
        )
    )
    call = {
        "type": "function_call",
        "id": draw(_IDS),
        "call_id": draw(_IDS),
        "name": draw(NAMES),
        "arguments": draw(ARGUMENTS),
    }
    item = draw(
        st.sampled_from(
            [
                call,
                {"type": "reasoning", "encrypted_content": draw(VALUES), "summary": draw(VALUES)},
                {"type": "message", "content": [{"type": "output_text", "text": draw(TEXTS)}]},
                {"type": "message", "content": draw(VALUES)},
                {"type": "web_search_call"},
                {"type": draw(VALUES)},
            ]
        )
    )
    response = {
        "output": [item],
        "status": draw(st.sampled_from(["completed", "incomplete", "failed", None])),
        "error": {"code": draw(_CODES), "message": draw(TEXTS)},
        "incomplete_details": draw(st.sampled_from([None, {"reason": "x"}, {}, {"reason": 5}])),
        "usage": draw(st.sampled_from([None, {"input_tokens": draw(NUMBERS)}, "many", []])),
    }
    added, done = "response.output_item.added", "response.output_item.done"
    delta, whole = "response.output_text.delta", "response.output_text.done"
    calling = "response.function_call_arguments"
    return draw(
        st.sampled_from(
            [
                {"type": added, "item": item, **place},
                {"type": done, "item": item, **place},
                {"type": delta, "delta": draw(TEXTS | VALUES), **place},
                {"type": whole, "text": draw(TEXTS), **place},
                {"type": "response.refusal.delta", "delta": draw(TEXTS), **place},
                {"type": f"{calling}.delta", "delta": draw(ARGUMENTS), **place},
                {"type": f"{calling}.done", "arguments": draw(ARGUMENTS), "name": "f", **place},
                {"type": "response.completed", "response": response},
                {"type": "response.incomplete", "response": response},
                {"type": "response.failed", "response": response},
                {"type": "response.cancelled", "response": {}},
                {"type": "error", "code": draw(_CODES), "message": draw(TEXTS)},
                {"type": "error", "error": draw(VALUES)},
                {"type": draw(VALUES)},
            ]
        )
    )


@st.composite
def bent(draw: st.DrawFn, dialect: DialectName) -> list[Any]:
    """Lost, repeated, moved, mixed."""
    events: list[Any] = draw(told(dialect))
    odd = _odd_chunk() if dialect == "chat" else _odd_event()
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, max(0, len(events) - 1)))
        match draw(st.sampled_from(["lose", "repeat", "move", "add", "add", "bend", "bend"])):
            case "lose":
                del events[place : place + 1]
            case "repeat":
                events[place:place] = events[place : place + 1]
            case "move":
                events.insert(place, events.pop() if events else {})
            case "add":
                events.insert(place, draw(odd))
            case _ if events:
                _bend(draw, events[place])
            case _:
                pass
    return events


def _bend(draw: st.DrawFn, value: Any) -> None:
    """Puts something else at one place."""
    while True:
        places: list[Any] = list(value) if isinstance(value, dict) else []
        if isinstance(value, list):
            places = list(range(len(value)))
        if not places:
            return
        place = draw(st.sampled_from(places))
        if not isinstance(value[place], dict | list) or draw(st.integers(0, 3)) == 0:
            if isinstance(value, dict) and draw(st.booleans()):
                del value[place]
            else:
                value[place] = draw(VALUES)
            return
        value = value[place]


@st.composite
def answers(draw: st.DrawFn, dialect: DialectName) -> Answer:
    stream = sse(draw(bent(dialect)), done=draw(st.booleans()))
    if draw(st.integers(0, 5)) == 0:
        odd = [b"\xff", b'{"a": "\\ud800"}', b"{oops", b"[]", b"7", b'"x"', b"NaN", b"", b"\x00"]
        stream += b"data: " + draw(st.sampled_from(odd)) + b"\n\n"
    end = draw(st.sampled_from([None, None, None, Close(), Stall()]))
    return Answer(plays=draw(sent(stream, end=end)))
