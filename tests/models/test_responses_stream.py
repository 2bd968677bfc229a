"""Sequences of events, as real servers send them, and what is made of them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.models.fakes import calls_in, numbered_ids
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.port import (
    Finished,
    ModelEvent,
    OpaqueItem,
    RefusalDelta,
    TextDelta,
    Usage,
)
from understudy_server.models.responses_stream import ResponsesParser


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}"} | fields


def completed(**response: Any) -> dict[str, Any]:
    return event("completed", response={"status": "completed"} | response)


def text(delta: str, index: int = 0, content_index: int = 0) -> dict[str, Any]:
    place = {"output_index": index, "content_index": content_index}
    return event("output_text.delta", **place, delta=delta)


def added(index: int, **item: Any) -> dict[str, Any]:
    return event("output_item.added", output_index=index, item=item)


def done(index: int, **item: Any) -> dict[str, Any]:
    return event("output_item.done", output_index=index, item=item)


def arguments(index: int, delta: str) -> dict[str, Any]:
    return event("function_call_arguments.delta", output_index=index, delta=delta)


CALL = {"type": "function_call", "call_id": "a", "name": "f"}
MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
STOP = Finished(reason="stop")


def parse(*events: dict[str, Any], announced: bool = False) -> list[ModelEvent]:
    parser = ResponsesParser(numbered_ids())
    found = [one for sent in events for one in parser.feed(sent)]
    return [*found, *parser.end(announced=announced)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([text("H"), text("i"), completed()], [TextDelta(text="H"), TextDelta(text="i"), STOP]),
        (
            [event("created", response={}), event("in_progress"), event("new.kind"), completed()],
            [STOP],
        ),
        (
            [
                text("Hi"),
                event("output_text.done", output_index=0, content_index=0, text="Hi"),
                done(0, **MESSAGE),
                completed(output=[MESSAGE]),
            ],
            [TextDelta(text="Hi"), STOP],
        ),
        (
            [event("output_text.done", output_index=0, text="Hi"), completed()],
            [TextDelta(text="Hi"), STOP],
        ),
        ([done(0, **MESSAGE), completed()], [TextDelta(text="Hi"), STOP]),
        ([completed(output=[MESSAGE])], [TextDelta(text="Hi"), STOP]),
        (
            [
                added(0, type="message", content=[]),
                done(0, type="message"),
                text("Hi", 1),
                completed(),
            ],
            [TextDelta(text="Hi"), STOP],
        ),
        (
            [text("a"), text("b", 0, 1), text("c", 1, 0), completed()],
            [TextDelta(text="a"), TextDelta(text="b"), TextDelta(text="c"), STOP],
        ),
        (
            [
                event("refusal.delta", output_index=0, delta="No"),
                event("refusal.done", output_index=0, refusal="No"),
                completed(),
            ],
            [RefusalDelta(text="No"), STOP],
        ),
        (
            [event("refusal.done", output_index=0, refusal="No"), completed()],
            [RefusalDelta(text="No"), STOP],
        ),
        (
            [event("incomplete", response={"incomplete_details": {"reason": "content_filter"}})],
            [Finished(reason="content_filter")],
        ),
        (
            [event("incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}})],
            [Finished(reason="length")],
        ),
        ([event("incomplete", response={"status": "incomplete"})], [Finished(reason="length")]),
        (
            [
                completed(
                    model="m-1",
                    usage={
                        "input_tokens": 5,
                        "output_tokens": 4,
                        "input_tokens_details": {"cached_tokens": 3},
                        "output_tokens_details": {"reasoning_tokens": 2},
                    },
                )
            ],
            [
                Finished(
                    reason="stop",
                    usage=Usage(
                        prompt_tokens=5, completion_tokens=4, cached_tokens=3, reasoning_tokens=2
                    ),
                    model="m-1",
                )
            ],
        ),
    ],
)
def test_answers(events: list[dict[str, Any]], expected: list[ModelEvent]) -> None:
    assert parse(*events) == expected


@pytest.mark.parametrize(
    ("events", "calls"),
    [
        pytest.param(
            [
                added(0, **CALL, arguments=""),
                arguments(0, '{"x"'),
                arguments(0, ":1}"),
                event("function_call_arguments.done", output_index=0, arguments='{"x":1}'),
                done(0, **CALL, arguments='{"x":1}'),
            ],
            [("a", "f", '{"x":1}')],
            id="as OpenAI",
        ),
        pytest.param(
            [
                added(0, **CALL),
                event("function_call_arguments.done", output_index=0, arguments="{}"),
                done(0, **CALL, arguments="{}"),
            ],
            [("a", "f", "{}")],
            id="no deltas",
        ),
        pytest.param([done(0, **CALL, arguments="{}")], [("a", "f", "{}")], id="only the item"),
        pytest.param([added(0, **CALL, arguments="{}")], [("a", "f", "{}")], id="added whole"),
        pytest.param(
            [added(0, **CALL), arguments(0, "{"), done(0, **CALL, arguments="{}")],
            [("a", "f", "{}")],
            id="the last delta is missing",
        ),
        pytest.param(
            [arguments(0, "{"), arguments(0, "}"), done(0, **CALL, arguments="{}")],
            [("a", "f", "{}")],
            id="no added event",
        ),
        pytest.param(
            [
                added(0, **CALL),
                added(1, **CALL | {"call_id": "b"}),
                arguments(1, "[]"),
                arguments(0, "{}"),
            ],
            [("a", "f", "{}"), ("b", "f", "[]")],
            id="parallel and interleaved",
        ),
        pytest.param(
            [
                event("output_item.added", item={**CALL, "id": "fc_1"}),
                event("function_call_arguments.delta", item_id="fc_1", delta="{}"),
                event("output_item.added", item={**CALL, "id": "fc_2", "call_id": "b"}),
                event("function_call_arguments.delta", item_id="fc_2", delta="[]"),
            ],
            [("a", "f", "{}"), ("b", "f", "[]")],
            id="by id, without positions",
        ),
        pytest.param(
            [
                added(4, **CALL, id="fc_1"),
                event("function_call_arguments.delta", item_id="fc_1", delta="{}"),
            ],
            [("a", "f", "{}")],
            id="a position only at first",
        ),
        pytest.param(
            [added(0, type="function_call", name="f"), arguments(0, "{}")],
            [("call_new1", "f", "{}")],
            id="no call id",
        ),
        pytest.param(
            [added(0, **CALL), added(1, **CALL)],
            [("a", "f", ""), ("call_new1", "f", "")],
            id="one id for two calls",
        ),
    ],
)
def test_calls(events: list[dict[str, Any]], calls: list[tuple[str, str, str]]) -> None:
    found = parse(*events, completed())
    assert calls_in(found) == calls
    assert found[-1] == Finished(reason="tool_calls")


def test_calls_that_only_the_end_mentions() -> None:
    found = parse(completed(output=[CALL | {"arguments": "{}"}]))
    assert calls_in(found) == [("a", "f", "{}")]


def test_reasoning_is_kept_once_and_only_if_it_can_be_replayed() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    useless = {"type": "reasoning", "id": "rs_2", "summary": []}
    found = parse(added(0, **item), done(0, **item), done(1, **useless), completed(output=[item]))
    assert found == [OpaqueItem(json=orjson.dumps(item)), STOP]


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        ({"type": "error", "code": "server_error", "message": "Sorry."}, "server_error", "Sorry."),
        ({"type": "error", "error": {"code": "c", "message": "Sorry."}}, "c", "Sorry."),
        ({"error": {"message": "Sorry."}}, None, "Sorry."),
        (event("failed", response={"error": {"code": "c", "message": "m"}}), "c", "m"),
        (event("failed", response={"error": None}), None, "the answer was failed"),
        (event("cancelled"), None, "the answer was cancelled"),
    ],
)
def test_an_error_inside_the_stream(sent: dict[str, Any], code: str | None, message: str) -> None:
    with pytest.raises(UpstreamFailure) as caught:
        parse(text("Hi"), sent)
    assert caught.value.kind == "refused"
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(("announced", "kind"), [(False, "dropped"), (True, "malformed")])
def test_an_end_without_a_last_event(announced: bool, kind: str) -> None:
    with pytest.raises(UpstreamFailure) as caught:
        parse(text("Hi"), announced=announced)
    assert caught.value.kind == kind


def test_a_call_that_never_gets_a_name_is_not_passed_over() -> None:
    with pytest.raises(UpstreamFailure, match="without a name"):
        parse(arguments(0, "{}"), completed())


def test_an_item_that_is_nested_too_deep_to_be_kept() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(UpstreamFailure, match="nested too deep"):
        parse(done(0, type="reasoning", encrypted_content=deep))
