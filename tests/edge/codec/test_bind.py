"""Query strings, and the fields or the refusal that come of them."""

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from tests.edge.codec.served import CODEC
from understudy.v1 import assistant_pb2, message_pb2, run_pb2, run_step_pb2
from understudy_edge.problems import Problem

LIST = assistant_pb2.ListAssistantsRequest
STEPS = run_step_pb2.ListRunStepsRequest
INCLUDE = "step_details.tool_calls[*].file_search.results[*].content"
PAGE = {"limit", "order", "after", "before"}


@pytest.mark.parametrize(
    ("message_class", "fields", "pairs", "text"),
    [
        (LIST, PAGE, [], ""),
        (LIST, PAGE, [("limit", "5"), ("order", "asc")], "limit: 5 order: SORT_ORDER_ASC"),
        (LIST, PAGE, [("limit", "5"), ("limit", "-6")], "limit: -6"),
        (LIST, PAGE, [("after", "")], 'after: ""'),
        (message_pb2.ListMessagesRequest, {"run_id"}, [("run_id", "run_é")], 'run_id: "run_é"'),
        (
            STEPS,
            {"include"},
            [("include[]", INCLUDE), ("include", INCLUDE)],
            "include: 1 include: 1",
        ),
        (run_pb2.CreateRunRequest, {"stream"}, [("stream", "true")], "stream: true"),
        (run_pb2.CreateRunRequest, {"top_p"}, [("top_p", "0.5")], "top_p: 0.5"),
    ],
)
def test_binds(
    message_class: type[Message], fields: set[str], pairs: list[tuple[str, str]], text: str
) -> None:
    message = message_class()
    CODEC.bind(message, pairs, fields=fields)
    assert message == text_format.Parse(text, message_class())


@pytest.mark.parametrize(
    ("message_class", "pair", "reason", "text", "param"),
    [
        (LIST, ("foo", "1"), "UNKNOWN_PARAMETER", "Unknown parameter: 'foo'.", "foo"),
        (
            STEPS,
            ("thread_id", "t"),
            "UNKNOWN_PARAMETER",
            "Unknown parameter: 'thread_id'.",
            "thread_id",
        ),
        (LIST, ("limit[]", "1"), "UNKNOWN_PARAMETER", "Unknown parameter: 'limit[]'.", "limit[]"),
        (
            LIST,
            ("limit", "abc"),
            "INVALID_TYPE",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit",
        ),
        (
            LIST,
            ("limit", ""),
            "INVALID_TYPE",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit",
        ),
        (
            LIST,
            ("limit", "5.0"),
            "INVALID_TYPE",
            "Invalid type for 'limit': expected an integer, but got a decimal number instead.",
            "limit",
        ),
        (
            LIST,
            ("limit", "99999999999"),
            "INTEGER_ABOVE_MAX_VALUE",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 99999999999 instead.",
            "limit",
        ),
        (
            LIST,
            ("limit", "٣"),
            "INVALID_TYPE",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
            "limit",
        ),
        (
            LIST,
            ("order", "up"),
            "INVALID_VALUE",
            "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.",
            "order",
        ),
        (
            LIST,
            ("order", ""),
            "INVALID_VALUE",
            "Invalid value: ''. Supported values are: 'asc' and 'desc'.",
            "order",
        ),
        (
            STEPS,
            ("include[]", "x"),
            "INVALID_VALUE",
            f"Invalid value: 'x'. Supported values are: '{INCLUDE}'.",
            "include[0]",
        ),
    ],
)
def test_refuses(
    message_class: type[Message], pair: tuple[str, str], reason: str, text: str, param: str
) -> None:
    with pytest.raises(Problem) as caught:
        CODEC.bind(message_class(), [pair], fields=PAGE | {"include"})
    assert caught.value == Problem(reason, text, param)


@pytest.mark.parametrize("digits", ["9" * 10_000, "-" + "9" * 300, "1e400"])
def test_absurd_numbers_are_refused(digits: str) -> None:
    with pytest.raises(Problem):
        CODEC.bind(LIST(), [("limit", digits)], fields=PAGE)
