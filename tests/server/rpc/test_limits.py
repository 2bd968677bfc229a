"""Every limit of the contract, and how breaking it is answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from tests.server.rpc.limit_rows import HELLO, USER, VALID, Row
from tests.server.rpc.limit_table import rows
from understudy.v1 import (
    assistant_pb2,
    assistants_service_pb2,
    auth_service_pb2,
    message_pb2,
    models_service_pb2,
    run_pb2,
    thread_pb2,
)
from understudy.v1.content_pb2 import MessageInput
from understudy.v1.response_format_pb2 import JsonSchemaFormat, ResponseFormat
from understudy.v1.tool_pb2 import FunctionTool, Tool
from understudy.wire.v1 import wire_pb2 as wire
from understudy_server.errors import InvalidRequest
from understudy_server.refused_values import number
from understudy_server.rpc.limits import Limits

SERVICES = [
    service
    for module in (assistants_service_pb2, auth_service_pb2, models_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]

OPTIONS = (
    "raw_json",
    "required",
    "max_length",
    "max_items",
    "min_items",
    "min",
    "max",
    "pattern",
    "max_properties",
    "max_key_length",
    "max_value_length",
)

NEVER_FAILS = {
    # A repeated field may be empty, and the face that knows the difference asks for it.
    "SubmitToolOutputsRequest.tool_outputs:required",
    # Zero cannot be told from unset, and zero is in range.
    "StaticChunking.chunk_overlap_tokens:required",
}


@pytest.fixture(scope="module")
def limits() -> Limits:
    return Limits(SERVICES)


def _messages(message: Descriptor, seen: dict[str, Descriptor]) -> None:
    if message.full_name in seen or message.full_name.startswith("google."):
        return
    seen[message.full_name] = message
    for field in message.fields:
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            _messages(field.message_type, seen)


def _limits_of_the_contract() -> Iterator[str]:
    seen: dict[str, Descriptor] = {}
    for service in SERVICES:
        for method in service.methods:
            _messages(method.input_type, seen)
    for message in seen.values():
        for field in message.fields:
            options = field.GetOptions().Extensions[wire.field]
            set_options = {descriptor.name for descriptor, _ in options.ListFields()}
            yield from (f"{message.name}.{field.name}:{o}" for o in OPTIONS if o in set_options)
            enum = field.enum_type
            if enum is not None and not enum.full_name.startswith("google."):
                yield f"{message.name}.{field.name}:enum"
        for oneof in message.oneofs:
            if not oneof.name.startswith("_"):
                yield f"{message.name}.{oneof.name}:oneof"


def test_every_limit_has_a_row_and_every_row_a_limit() -> None:
    assert {row.limit for row in rows()} | NEVER_FAILS == set(_limits_of_the_contract())


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.limit)
def test_breaking_it(limits: Limits, row: Row) -> None:
    with pytest.raises(InvalidRequest) as caught:
        limits.check(row.request)
    error = caught.value
    assert (error.reason, error.param, error.message) == (row.reason, row.param, row.message)


REQUESTS = {method.input_type.full_name for service in SERVICES for method in service.methods}


@pytest.mark.parametrize("request_", VALID, ids=lambda message: message.DESCRIPTOR.name)
def test_keeping_to_all(limits: Limits, request_: Message) -> None:
    if request_.DESCRIPTOR.full_name in REQUESTS:
        limits.check(request_)


SCHEMA = JsonSchemaFormat(name="n" * 64, schema=b'{"b": 1, "a": 2}')
AT_THE_LIMIT: list[Message] = [
    assistant_pb2.CreateAssistantRequest(
        model="🙂" * 256,
        name="",
        instructions="é" * 256_000,
        temperature=2,
        top_p=0,
        metadata={"k" * 64: "v" * 512} | {str(n): "" for n in range(15)},
        tools=[Tool(function=FunctionTool(name="aZ09_-", parameters=b" {} "))] * 128,
    ),
    message_pb2.CreateMessageRequest(role=USER, content=MessageInput(text="")),
    run_pb2.CreateRunRequest(assistant_id="a", response_format=ResponseFormat(json_schema=SCHEMA)),
    run_pb2.CreateRunRequest(assistant_id="a", tools=run_pb2.ToolList(), max_prompt_tokens=256),
    run_pb2.CreateThreadAndRunRequest(
        assistant_id="a",
        thread=thread_pb2.CreateThreadRequest(
            messages=[message_pb2.NewMessage(role=USER, content=HELLO)]
        ),
    ),
]


@pytest.mark.parametrize("request_", AT_THE_LIMIT, ids=lambda message: message.DESCRIPTOR.name)
def test_the_limit_itself_is_allowed(limits: Limits, request_: Message) -> None:
    limits.check(request_)


def _param(limits: Limits, request: Message) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        limits.check(request)
    return caught.value.param


def test_the_first_declared_field_is_named(limits: Limits) -> None:
    request = assistant_pb2.CreateAssistantRequest(
        temperature=3, top_p=2, metadata={"k": "v" * 600}, tools=[Tool()], name="n" * 300
    )
    found = []
    for field, value in (("model", "m"), ("name", "n"), ("tools", None), ("metadata", None)):
        found.append(_param(limits, request))
        request.ClearField(field)  # type: ignore[arg-type]  # the names are those of the message
        if value is not None:
            setattr(request, field, value)
    assert [*found, _param(limits, request)] == [
        "model",
        "name",
        "tools[0].type",
        "metadata.k",
        "temperature",
    ]


def test_paths_through_nested_messages(limits: Limits) -> None:
    thread = thread_pb2.CreateThreadRequest(
        messages=[
            message_pb2.NewMessage(role=USER, content=HELLO),
            message_pb2.NewMessage(role=USER, content=HELLO, metadata={"k": "v" * 513}),
        ]
    )
    request = run_pb2.CreateThreadAndRunRequest(assistant_id="a", thread=thread)
    assert _param(limits, request) == "thread.messages[1].metadata.k"
    request = run_pb2.CreateThreadAndRunRequest(
        assistant_id="a", tools=run_pb2.ToolList(tools=[Tool(function=FunctionTool())])
    )
    assert _param(limits, request) == "tools[0].function.name"


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        (b"", "invalid JSON"),
        (b"{", "invalid JSON"),
        (b"\xff", "invalid JSON"),
        (b'"s"', "a string"),
        (b"[]", "an array"),
        (b"1", "an integer"),
        (b"1.5", "a decimal number"),
        (b"true", "a boolean"),
        (b"null", "null"),
        (b"[" * 2_000, "invalid JSON"),
    ],
)
def test_raw_json_is_an_object(limits: Limits, text: bytes, noun: str) -> None:
    function = FunctionTool(name="f", parameters=text)
    request = assistant_pb2.CreateAssistantRequest(model="m", tools=[Tool(function=function)])
    with pytest.raises(InvalidRequest, match=f"expected an object, but got {noun} instead"):
        limits.check(request)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_out_of_every_range(limits: Limits, value: float) -> None:
    request = assistant_pb2.CreateAssistantRequest(model="m", temperature=value)
    assert _param(limits, request) == "temperature"


def test_a_request_of_another_service_is_not_let_through() -> None:
    with pytest.raises(KeyError):
        Limits([]).check(assistant_pb2.CreateAssistantRequest())


@pytest.mark.parametrize(
    ("value", "text"),
    [(2, "2"), (2.0, "2"), (0.5, "0.5"), (-1, "-1"), (1e300, "1e+300"), (1_000_000.0, "1000000")],
)
def test_numbers_look_like_json(value: float, text: str) -> None:
    assert number(value) == text
