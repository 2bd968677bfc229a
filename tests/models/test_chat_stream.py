"""Sequences of chunks, as real servers send them, and what is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.fakes import calls_in, numbered_ids, text_in
from understudy_server.models.chat_stream import ChatParser
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.port import Finished, ModelEvent, RefusalDelta, TextDelta, Usage


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def piece(arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """A chunk with one piece of a call; ``name`` goes into its function."""
    function = {} if arguments is None else {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return delta(tool_calls=[fields | {"function": function}])


STOP = delta("stop")


def parse(*chunks: dict[str, Any], announced: bool = True) -> list[ModelEvent]:
    parser = ChatParser(numbered_ids())
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return [*events, *parser.end(announced=announced)]


@pytest.mark.parametrize(
    ("chunks", "events"),
    [
        (
            [delta(role="assistant", content=""), delta(content="Hi"), STOP],
            [TextDelta(text="Hi"), Finished(reason="stop")],
        ),
        ([delta(content="Hi")], [TextDelta(text="Hi"), Finished(reason="stop")]),
        ([delta(refusal="No"), STOP], [RefusalDelta(text="No"), Finished(reason="stop")]),
        ([delta("stop", content="Hi")], [TextDelta(text="Hi"), Finished(reason="stop")]),
        ([delta(content=None, reasoning_content="hm"), STOP], [Finished(reason="stop")]),
        (
            [delta(content=[{"type": "text", "text": "Hi"}]), STOP],
            [TextDelta(text="Hi"), Finished(reason="stop")],
        ),
        ([delta("length")], [Finished(reason="length")]),
        ([delta("max_tokens")], [Finished(reason="length")]),
        ([delta("content_filter")], [Finished(reason="content_filter")]),
        ([delta("eos")], [Finished(reason="stop")]),
        ([delta("tool_calls")], [Finished(reason="stop")]),
        (
            [STOP | {"model": "m-1"}, {"choices": [], "usage": {"prompt_tokens": 3}}],
            [Finished(reason="stop", usage=Usage(prompt_tokens=3), model="m-1")],
        ),
        (
            [STOP | {"usage": {"completion_tokens": 2}}, {"choices": [], "usage": None}],
            [Finished(reason="stop", usage=Usage(completion_tokens=2))],
        ),
        (
            [
                {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "usage": {
                        "prompt_tokens": 5,
                        "completion_tokens": 4,
                        "prompt_tokens_details": {"cached_tokens": 3},
                        "completion_tokens_details": {"reasoning_tokens": 2},
                    },
                }
            ],
            [
                Finished(
                    reason="stop",
                    usage=Usage(
                        prompt_tokens=5, completion_tokens=4, cached_tokens=3, reasoning_tokens=2
                    ),
                )
            ],
        ),
    ],
)
def test_answers(chunks: list[dict[str, Any]], events: list[ModelEvent]) -> None:
    assert parse(*chunks) == events


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        pytest.param(
            [piece("", index=0, id="a", name="f"), piece('{"x"', index=0), piece(":1}", index=0)],
            [("a", "f", '{"x":1}')],
            id="as OpenAI",
        ),
        pytest.param(
            [
                piece("{", index=0, id="a", name="f"),
                piece("[", index=1, id="b", name="g"),
                piece("}", index=0),
                piece("]", index=1),
            ],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="interleaved",
        ),
        pytest.param(
            [piece("{}", id="a", name="f"), piece("{}", id="b", name="f")],
            [("a", "f", "{}"), ("b", "f", "{}")],
            id="no index",
        ),
        pytest.param(
            [piece("{", id="a", name="f"), piece("}", id="a", name="f"), piece("[]", name="g")],
            [("a", "f", "{}"), ("call_new1", "g", "[]")],
            id="no index, repeated id and name, then no id",
        ),
        pytest.param(
            [piece("{}", name="f"), piece("{}", name="f")],
            [("call_new1", "f", "{}"), ("call_new2", "f", "{}")],
            id="neither index nor id",
        ),
        pytest.param(
            [piece("{", name="f"), piece('"x":1'), piece("}")],
            [("call_new1", "f", '{"x":1}')],
            id="a continued call without index or id",
        ),
        pytest.param(
            [piece("{}", index=0, id="a", name="f"), piece("{}", index=0, id="b", name="f")],
            [("a", "f", "{}"), ("b", "f", "{}")],
            id="each call has index 0",
        ),
        pytest.param(
            [piece("{}", index=0, id="a", name="f"), piece("{}", index=1, id="a", name="f")],
            [("a", "f", "{}"), ("call_new1", "f", "{}")],
            id="one id for two calls",
        ),
        pytest.param(
            [piece("{", index=0, id="a", name="f"), piece("}", index=0, id="", name="f")],
            [("a", "f", "{}")],
            id="an empty id later",
        ),
        pytest.param(
            [piece("{", index=0, id="a"), piece("}", index=0, name="f")],
            [("a", "f", "{}")],
            id="the name comes late",
        ),
        pytest.param(
            [piece({"x": 1}, index=0, id="a", name="f")],
            [("a", "f", '{"x":1}')],
            id="arguments as an object",
        ),
        pytest.param([piece(None, index=3, id="a", name="f")], [("a", "f", "")], id="no arguments"),
        pytest.param(
            [
                delta(
                    tool_calls=[
                        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                        {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}},
                    ]
                )
            ],
            [("a", "f", "{}"), ("b", "g", "{}")],
            id="two in one chunk",
        ),
    ],
)
def test_calls(chunks: list[dict[str, Any]], calls: list[tuple[str, str, str]]) -> None:
    events = parse(delta(content="Hm."), *chunks, STOP)
    assert text_in(events) == "Hm."
    assert calls_in(events) == calls
    assert events[-1] == Finished(reason="tool_calls")


def test_a_limit_reached_within_a_call_is_told() -> None:
    events = parse(piece("{", index=0, id="a", name="f"), delta("length"))
    assert events[-1] == Finished(reason="length")


@pytest.mark.parametrize(
    ("chunk", "message", "code"),
    [
        ({"error": {"message": "Sorry.", "code": "server_error"}}, "Sorry.", "server_error"),
        ({"error": {"message": "Sorry.", "code": 500}}, "Sorry.", None),
        ({"error": "Sorry."}, "Sorry.", None),
        ({"error": True}, "", None),
        (delta("error"), "the answer ended with an error", None),
    ],
)
def test_an_error_inside_the_stream(chunk: dict[str, Any], message: str, code: str | None) -> None:
    with pytest.raises(UpstreamFailure) as caught:
        parse(delta(content="Hi"), chunk)
    assert (caught.value.kind, caught.value.message) == ("refused", message)
    assert caught.value.code == code


def test_an_end_without_a_finish_reason_is_a_lost_connection() -> None:
    with pytest.raises(UpstreamFailure, match="dropped"):
        parse(delta(content="Hi"), announced=False)


def test_an_end_after_the_finish_reason_is_fine() -> None:
    assert parse(STOP, announced=False) == [Finished(reason="stop")]


def test_a_call_that_never_gets_a_name_is_not_passed_over() -> None:
    with pytest.raises(UpstreamFailure, match="without a name"):
        parse(piece("{}", index=0, id="a"), STOP)
