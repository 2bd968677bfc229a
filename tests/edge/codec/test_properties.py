"""What holds for every message and for every JSON value."""

import json
from typing import Any

import orjson
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edge.codec.served import CODEC, served_methods
from tests.edge.codec.strategies import JSON, almost, messages
from understudy.v1 import run_pb2, tool_pb2
from understudy.v1.error_pb2 import Reason
from understudy_edge.problems import Problem

SERVED = sorted(
    {
        descriptor.full_name: descriptor
        for method in served_methods()
        for descriptor in (method.input_type, method.output_type)
    }.items()
)
REASONS = {name.removeprefix("REASON_") for name in Reason.keys()}  # noqa: SIM118 - an enum is no dict
every_message = pytest.mark.parametrize(
    "descriptor", [d for _, d in SERVED], ids=[n for n, _ in SERVED]
)
few = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@every_message
@few
@given(data=st.data())
def test_what_is_written_reads_back(descriptor: Descriptor, data: st.DataObject) -> None:
    message = data.draw(messages(descriptor))
    text = CODEC.encode(message)
    decoded: Any = CODEC.decode_body(type(message), text)
    if CODEC.plan(descriptor).masked:
        decoded.ClearField("update_mask")
    assert decoded == message
    assert CODEC.encode(decoded) == text
    # The message is a message for gRPC as well: nothing in it defies its own serialization.
    assert type(message).FromString(decoded.SerializeToString()) == message


@every_message
@few
@given(data=st.data())
def test_any_json_gives_a_message_or_a_problem(descriptor: Descriptor, data: st.DataObject) -> None:
    value = data.draw(JSON | almost(CODEC.plan(descriptor)))
    message_class = GetMessageClass(descriptor)
    try:
        message = CODEC.decode_body(message_class, orjson.dumps(value))
    except Problem as problem:
        _can_be_told(problem)
        return
    text = CODEC.encode(message)
    assert CODEC.encode(CODEC.decode_body(message_class, text)) == text


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: json.dumps(text).encode()))
def test_any_bytes_give_a_message_or_a_problem(body: bytes) -> None:
    try:
        CODEC.decode_body(run_pb2.CreateRunRequest, body)
    except Problem as problem:
        _can_be_told(problem)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["limit", "order", "include[]", "after", "x"]), st.text(max_size=25)
        )
    )
)
def test_any_query_gives_a_message_or_a_problem(pairs: list[tuple[str, str]]) -> None:
    fields = {"limit", "order", "after", "include"}
    try:
        CODEC.bind(run_pb2.ListRunsRequest(), pairs, fields=fields)
    except Problem as problem:
        _can_be_told(problem)


@given(
    st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), min_size=1, max_size=3),
    st.sampled_from([None, 0, 1, 3, "\t"]),
    st.booleans(),
)
def test_raw_json_keeps_its_bytes(
    schemas: list[dict[str, Any]], indent: Any, ascii_only: bool
) -> None:
    texts = [
        json.dumps(schema, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
        for schema in map(_finite, schemas)
    ]
    tools = [
        f'{{"type":"function", "function":{{"parameters": {text} ,"name":"f"}}}}' for text in texts
    ]
    body = f'{{"assistant_id":"a", "tools":[{" , ".join(tools)}]}}'
    try:
        raw = body.encode()
    except UnicodeEncodeError:
        return
    message = CODEC.decode_body(run_pb2.CreateRunRequest, raw)
    functions: list[tool_pb2.FunctionTool] = [tool.function for tool in message.tools.tools]
    assert [function.parameters for function in functions] == [text.encode() for text in texts]


def _can_be_told(problem: Problem) -> None:
    assert problem.reason in REASONS
    assert orjson.dumps([problem.message, problem.param])


def _finite(value: Any) -> Any:
    """JSON has no infinity; orjson writes null for it."""
    return orjson.loads(orjson.dumps(value))
