"""What a row of the table of limits is, and the kinds of rows that come often.

A row's key names the limit as ``Message.field:option``. The paths and texts are OpenAI's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from understudy.v1 import assistant_pb2, message_pb2, run_pb2, run_step_pb2, thread_pb2
from understudy.v1.content_pb2 import MessageInput
from understudy.v1.tool_pb2 import (
    NewFileSearchResources,
    NewToolResources,
    NewVectorStore,
)

USER = message_pb2.MESSAGE_ROLE_USER
HELLO = MessageInput(text="hello")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A limit, a request that breaks it and nothing before it, and the answer."""

    limit: str
    request: Message
    reason: str
    param: str
    message: str


VALID: tuple[Message, ...] = (
    assistant_pb2.CreateAssistantRequest(model="m"),
    assistant_pb2.ModifyAssistantRequest(),
    assistant_pb2.ListAssistantsRequest(),
    thread_pb2.CreateThreadRequest(),
    thread_pb2.ModifyThreadRequest(),
    thread_pb2.ListThreadsRequest(),
    message_pb2.CreateMessageRequest(role=USER, content=HELLO),
    message_pb2.NewMessage(role=USER, content=HELLO),
    message_pb2.ModifyMessageRequest(),
    message_pb2.ListMessagesRequest(),
    run_pb2.CreateRunRequest(assistant_id="a"),
    run_pb2.CreateThreadAndRunRequest(assistant_id="a"),
    run_pb2.ModifyRunRequest(),
    run_pb2.ListRunsRequest(),
    run_pb2.ListProjectRunsRequest(),
    run_pb2.SubmitToolOutputsRequest(),
    run_step_pb2.ListRunStepsRequest(),
    run_step_pb2.GetRunStepRequest(),
    NewVectorStore(),
)
"""One that passes, of each type that has limits."""


def request_with(name: str, /, **fields: Any) -> Message:
    """The valid request of that type, with other fields; what is no request is put into one."""
    valid = next(message for message in VALID if message.DESCRIPTOR.name == name)
    changed = type(valid)()
    changed.CopyFrom(valid)
    for field in fields:
        changed.ClearField(field)
    changed.MergeFrom(type(valid)(**fields))
    if isinstance(changed, message_pb2.NewMessage):
        return thread_pb2.CreateThreadRequest(messages=[changed])
    if isinstance(changed, NewVectorStore):
        search = NewFileSearchResources(vector_stores=[changed])
        resources = NewToolResources(file_search=search)
        return thread_pb2.CreateThreadRequest(tool_resources=resources)
    return changed


_PREFIX = {
    "NewMessage": "messages[0].",
    "NewVectorStore": "tool_resources.file_search.vector_stores[0].",
}


def long_field(name: str, field: str, maximum: int) -> Row:
    return Row(
        limit=f"{name}.{field}:max_length",
        request=request_with(name, **{field: "é" * (maximum + 1)}),
        reason="STRING_ABOVE_MAX_LENGTH",
        param=field,
        message=f"Invalid '{field}': string too long. Expected a string with maximum length"
        f" {maximum}, but got a string with length {maximum + 1} instead.",
    )


def out_of_bounds(
    name: str, field: str, kind: str, low: tuple[str, float] | None, high: tuple[str, float] | None
) -> Iterator[Row]:
    if high is not None:
        yield Row(
            limit=f"{name}.{field}:max",
            request=request_with(name, **{field: high[1]}),
            reason=f"{kind.upper()}_ABOVE_MAX_VALUE",
            param=field,
            message=f"Invalid '{field}': {kind} above maximum value."
            f" Expected a value <= {high[0]}, but got {high[1]} instead.",
        )
    if low is not None:
        yield Row(
            limit=f"{name}.{field}:min",
            request=request_with(name, **{field: low[1]}),
            reason=f"{kind.upper()}_BELOW_MIN_VALUE",
            param=field,
            message=f"Invalid '{field}': {kind} below minimum value."
            f" Expected a value >= {low[0]}, but got {low[1]} instead.",
        )


def bad_metadata(name: str) -> Iterator[Row]:
    path = _PREFIX.get(name, "") + "metadata"
    key = "ü" * 65
    yield Row(
        limit=f"{name}.metadata:max_properties",
        request=request_with(name, metadata={str(n): "v" for n in range(17)}),
        reason="OBJECT_ABOVE_MAX_PROPERTIES",
        param=path,
        message=f"Invalid '{path}': too many properties. Expected an object with at most 16"
        " properties, but got an object with 17 properties instead.",
    )
    yield Row(
        limit=f"{name}.metadata:max_key_length",
        request=request_with(name, metadata={key: "v", "b": "v"}),
        reason="PROPERTY_NAME_ABOVE_MAX_LENGTH",
        param=f"{path}.{key}",
        message=f"Invalid property name in '{path}': '{key}' is too long. Expected a string with"
        " maximum length 64, but got a string with length 65 instead.",
    )
    yield Row(
        limit=f"{name}.metadata:max_value_length",
        request=request_with(name, metadata={"a": "v", "k": "v" * 600, "z": "v" * 700}),
        reason="STRING_ABOVE_MAX_LENGTH",
        param=f"{path}.k",
        message=f"Invalid '{path}.k': string too long. Expected a string with maximum length 512,"
        " but got a string with length 600 instead.",
    )


def missing(limit: str, request: Message, param: str) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="MISSING_REQUIRED_PARAMETER",
        param=param,
        message=f"Missing required parameter: '{param}'.",
    )


def unknown_enum(limit: str, request: Message, param: str, supported: str) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="INVALID_VALUE",
        param=param,
        message=f"Invalid value: '99'. Supported values are: {supported}.",
    )


def too_many_items(limit: str, request: Message, param: str, maximum: int) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="ARRAY_ABOVE_MAX_LENGTH",
        param=param,
        message=f"Invalid '{param}': array too long. Expected an array with maximum length"
        f" {maximum}, but got an array with length {maximum + 1} instead.",
    )


def unlike_pattern(limit: str, request: Message, param: str) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="INVALID_VALUE",
        param=param,
        message=f"Invalid '{param}': string does not match pattern. Expected a string that matches"
        " the pattern '^[a-zA-Z0-9_-]+$'.",
    )


def long_text(limit: str, request: Message, param: str, maximum: int) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="STRING_ABOVE_MAX_LENGTH",
        param=param,
        message=f"Invalid '{param}': string too long. Expected a string with maximum length"
        f" {maximum}, but got a string with length {maximum + 1} instead.",
    )


def not_an_object(limit: str, request: Message, param: str) -> Row:
    return Row(
        limit=limit,
        request=request,
        reason="INVALID_TYPE",
        param=param,
        message=f"Invalid type for '{param}': expected an object, but got an array instead.",
    )
