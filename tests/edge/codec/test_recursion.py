"""Messages that contain themselves, as filters do."""

import json

import pytest
from google.protobuf.message_factory import GetMessageClass

from tests.edge.codec.test_dialect_errors import field, message, oneof, options
from understudy_edge.codec import Codec
from understudy_edge.problems import Problem

FILTER = message(
    field("key", 1) + field("filters", 2, type_="TYPE_MESSAGE", label="REPEATED", of=".t.A")
)
NESTED_UNION = message(
    field("word", 1, oneof=0)
    + field("inner", 2, type_="TYPE_MESSAGE", of=".t.B", oneof=0)
    + oneof("u")
    + options("inline: true"),
    f'message_type {{ name: "B" {field("a", 1, type_="TYPE_MESSAGE", of=".t.A")} }}',
)


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {"key": "k", "filters": []}
    for _ in range(depth):
        value = {"key": "k", "filters": [value]}
    return value


def test_recursive_messages_come_back() -> None:
    codec = Codec([FILTER])
    value = nested(20)
    decoded = codec.decode(GetMessageClass(FILTER), value)
    assert codec.encode_value(decoded) == value


def test_a_recursive_inline_message_comes_back() -> None:
    codec = Codec([NESTED_UNION])
    decoded = codec.decode(GetMessageClass(NESTED_UNION), {"a": {"a": "x"}})
    assert codec.encode_value(decoded) == {"a": {"a": "x"}}


def test_what_is_nested_too_deeply_is_refused() -> None:
    codec = Codec([FILTER])
    with pytest.raises(Problem, match="nested too deeply"):
        codec.decode_body(GetMessageClass(FILTER), json.dumps(nested(200)).encode())
