from __future__ import annotations

import orjson
import pytest

from understudy.v1 import tool_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.rpc.strict_schemas import check_strict

CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
OPEN = {"type": "object", "properties": {}}


def _check(schema: object, *, strict: bool = True) -> None:
    function = tool_pb2.FunctionTool(name="f", parameters=orjson.dumps(schema), strict=strict)
    check_strict(function, "tools[3].function")


@pytest.mark.parametrize(
    ("schema", "context"),
    [
        (OPEN, "()"),
        ({**OPEN, "additionalProperties": True}, "()"),
        ({"properties": {}}, "()"),
        ({**CLOSED, "properties": {"a": OPEN}}, "('properties', 'a')"),
        (
            {**CLOSED, "properties": {"a": {"type": "array", "items": OPEN}}},
            "('properties', 'a', 'items')",
        ),
        (
            {**CLOSED, "properties": {"a": {"anyOf": [CLOSED, OPEN]}}},
            "('properties', 'a', 'anyOf', '1')",
        ),
        ({**CLOSED, "$defs": {"d": OPEN}}, "('$defs', 'd')"),
        ({**OPEN, "properties": {"a": OPEN}}, "()"),
    ],
)
def test_an_open_object_is_refused_where_it_stands(schema: object, context: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        _check(schema)
    assert refusal.value.message == (
        f"Invalid schema for function 'f': In context={context}, 'additionalProperties' is required "
        "to be supplied and to be false."
    )
    assert refusal.value.reason == "INVALID_FUNCTION_PARAMETERS"
    assert refusal.value.param == "tools[3].function.parameters"


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        {**CLOSED, "properties": {"a": {"type": "string"}, "properties": CLOSED}},
        {**CLOSED, "properties": [1], "anyOf": {}, "items": [OPEN]},
    ],
)
def test_closed_objects_and_what_is_no_schema_pass(schema: object) -> None:
    _check(schema)


def test_only_strict_functions_are_looked_at() -> None:
    _check(OPEN, strict=False)
    check_strict(tool_pb2.FunctionTool(name="f", strict=True), "tools[0].function")


def test_depth_does_not_matter() -> None:
    text = b'{"items":' * 900 + b"{}" + b"}" * 900
    check_strict(tool_pb2.FunctionTool(name="f", parameters=text, strict=True), "tools[0].function")
