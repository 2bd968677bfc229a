"""The document agrees with the routes, and with what the codec takes and gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import jsonschema
import orjson
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.v1 import assistant_pb2, event_pb2, run_pb2, thread_pb2
from understudy_edge.app import SERVICES
from understudy_edge.codec import Codec
from understudy_edge.openapi import openapi_document
from understudy_edge.problems import Problem
from understudy_edge.routes import compile_routes, messages_of

ROUTES = compile_routes(SERVICES)
EVENT = event_pb2.RunEvent.DESCRIPTOR
CODEC = Codec(messages_of(ROUTES) | {EVENT})
DOCUMENT = openapi_document(ROUTES, CODEC, event=EVENT)
ANSWERS = sorted({r.unary.output_type.full_name for r in ROUTES if r.unary is not None})


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_is_there() -> None:
    described = {
        (verb.upper(), path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs
    }
    served = {(route.verb, route.template.replace("=**", "")) for route in ROUTES}
    assert described == served | {("GET", "/health"), ("GET", "/ready")}


def test_operation_ids_are_unique() -> None:
    ids = [op["operationId"] for verbs in DOCUMENT["paths"].values() for op in verbs.values()]
    assert len(set(ids)) == len(ids)


def test_every_reference_resolves() -> None:
    for reference in set(references(DOCUMENT)):
        node: Any = DOCUMENT
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]


def test_path_parameters_are_those_of_the_path() -> None:
    for path, verbs in DOCUMENT["paths"].items():
        for operation in verbs.values():
            described = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
            assert described == re.findall(r"\{(\w+)\}", path)


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


async def test_it_is_served_without_a_key(edge: aiohttp.ClientSession) -> None:
    async with (
        aiohttp.ClientSession(edge._base_url) as anonymous,
        anonymous.get("/openapi.json") as response,
    ):
        assert response.status == 200
        assert await response.json() == orjson.loads(orjson.dumps(DOCUMENT))


def messages(descriptor: Descriptor, depth: int = 4) -> st.SearchStrategy[Message]:
    """Messages as a core may send them: every union is set, texts of raw JSON are objects."""

    def make(values: list[tuple[FieldDescriptor, Any]]) -> Message:
        message = GetMessageClass(descriptor)()
        for field, value in values:
            _set(message, field, value)
        return message

    unions = [union for union in descriptor.oneofs if union.name != f"_{union.fields[0].name}"]
    parts = [st.one_of([_given(field, depth) for field in union.fields]) for union in unions]
    for field in descriptor.fields:
        if field.containing_oneof not in unions:
            always = not field.has_presence and not field.is_repeated
            parts.append(_given(field, depth) if always else _given(field, depth) | st.just([]))
    return st.tuples(*parts).map(lambda given: make([pair for pairs in given for pair in pairs]))


def _given(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if _is_map(field):
        value = _entry(field).fields_by_name["value"]
        pairs = st.dictionaries(st.text(max_size=3), _values(value, depth), max_size=2)
        return pairs.map(lambda found: [(field, found)])
    if field.is_repeated:
        items = st.lists(_values(field, depth), max_size=2 if depth > 0 else 0)
        return items.map(lambda found: [(field, found)])
    return _values(field, depth).map(lambda found: [(field, found)])


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _entry(field: FieldDescriptor) -> Descriptor:
    assert field.message_type is not None
    return field.message_type


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, depth - 1)
    if field.enum_type is not None:
        numbers = [value.number for value in field.enum_type.values if value.number]
        return st.sampled_from(numbers or [0])
    kinds: dict[int, st.SearchStrategy[Any]] = {
        FieldDescriptor.TYPE_STRING: st.text(max_size=5),
        FieldDescriptor.TYPE_BYTES: st.just(b'{"type": "object"}'),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
        FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    }
    return kinds.get(field.type, st.integers(0, 2**31 - 1))


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if _is_map(field):
        target = getattr(message, field.name)
        for key, item in value.items():
            if isinstance(item, Message):
                target[key].CopyFrom(item)
            else:
                target[key] = item
    elif field.is_repeated:
        getattr(message, field.name).extend(value)
    elif isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


@pytest.mark.parametrize("name", ANSWERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_response_is_valid(name: str, data: st.DataObject) -> None:
    message = data.draw(messages(CODEC.plan_of(name).descriptor))
    schema = {"$ref": f"#/components/schemas/{name.rpartition('.')[2]}"}
    validator(schema).validate(orjson.loads(CODEC.encode(message)))


@pytest.mark.parametrize(
    "message",
    [assistant_pb2.Assistant(), run_pb2.Run(), thread_pb2.Thread()],
    ids=lambda message: message.DESCRIPTOR.name,
)
def test_a_response_of_defaults_is_valid(message: Message) -> None:
    schema = {"$ref": f"#/components/schemas/{message.DESCRIPTOR.name}"}
    validator(schema).validate(orjson.loads(CODEC.encode(message)))


@settings(max_examples=60, deadline=None)
@given(message=messages(EVENT))
def test_every_event_is_valid(message: event_pb2.RunEvent) -> None:
    name, payload = CODEC.encode_event(message)
    event = {"event": name, "data": orjson.loads(payload)}
    validator({"$ref": "#/components/schemas/Event"}).validate(event)


FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("path", "body", "valid"),
    [
        ("/v1/assistants", {"model": "m"}, True),
        ("/v1/assistants", {"model": "m", "name": None, "tools": None, "metadata": None}, True),
        ("/v1/assistants", {}, False),
        ("/v1/assistants", {"model": None}, False),
        ("/v1/assistants", {"model": "m", "foo": 1}, False),
        ("/v1/assistants", {"model": "m", "tools": [{"type": "code_interpreter"}]}, True),
        ("/v1/assistants", {"model": "m", "tools": [{"type": "file_search"}]}, True),
        ("/v1/assistants", {"model": "m", "tools": [{"type": "function"}]}, False),
        ("/v1/assistants", {"model": "m", "tools": [{"type": "retrieval"}]}, False),
        ("/v1/assistants", {"model": "m", "tools": [FUNCTION, FUNCTION]}, True),
        ("/v1/assistants", {"model": "m", "response_format": "auto"}, True),
        ("/v1/assistants", {"model": "m", "response_format": {"type": "text"}}, True),
        ("/v1/assistants", {"model": "m", "response_format": "json"}, False),
        ("/v1/assistants/{assistant_id}", {"model": None}, False),
        ("/v1/assistants/{assistant_id}", {"assistant_id": "a"}, False),
        ("/v1/threads/{thread_id}/messages", {"role": "user", "content": "x"}, True),
        (
            "/v1/threads/{thread_id}/messages",
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
            True,
        ),
        ("/v1/threads/{thread_id}/messages", {"role": "user", "content": 1}, False),
        ("/v1/threads/{thread_id}/runs", {"assistant_id": "a", "tool_choice": "auto"}, True),
        ("/v1/threads/{thread_id}/runs", {"assistant_id": "a", "include": []}, False),
        ("/v1/threads", {"messages": [{"role": "user", "content": "x"}]}, True),
        ("/v1/threads", {"messages": [{"role": "tool", "content": "x"}]}, False),
    ],
)
def test_the_document_and_the_codec_agree_on_requests(
    path: str, body: dict[str, Any], valid: bool
) -> None:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
    assert validator(content["application/json"]["schema"]).is_valid(body) == valid
    (route,) = [r for r in ROUTES if r.template == path and r.verb == "POST"]
    bound = frozenset(route.path_fields) | route.query_fields
    try:
        CODEC.decode_body(GetMessageClass(route.request), orjson.dumps(body), bound=bound)
    except Problem:
        assert not valid
    else:
        assert valid


def test_limits_and_words_are_told() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    create = DOCUMENT["paths"]["/v1/assistants"]["post"]["requestBody"]["content"]
    properties = create["application/json"]["schema"]["properties"]
    assert properties["model"] == {"type": "string", "maxLength": 256}
    assert properties["tools"]["anyOf"][0]["maxItems"] == 128
    assert properties["temperature"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 2}
    assert properties["metadata"]["anyOf"][0] == {
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": 512},
        "maxProperties": 16,
        "propertyNames": {"maxLength": 64},
    }
    assert schemas["FunctionToolParam"]["properties"]["name"]["pattern"] == "^[a-zA-Z0-9_-]+$"
    assert schemas["Run"]["properties"]["status"]["enum"][:3] == [
        "queued",
        "in_progress",
        "requires_action",
    ]
    assert schemas["Run"]["properties"]["object"] == {"const": "thread.run"}


def test_forms_are_told() -> None:
    body = DOCUMENT["paths"]["/v1/files"]["post"]["requestBody"]
    assert body["required"] is True
    (kind,) = body["content"]
    form = body["content"][kind]
    assert kind == "multipart/form-data"
    assert list(form["schema"]["properties"]) == ["file", "purpose", "expires_after"]
    assert form["schema"]["required"] == ["file", "purpose"]
    assert form["encoding"] == {"expires_after": {"style": "deepObject", "explode": True}}
    part = DOCUMENT["paths"]["/v1/uploads/{upload_id}/parts"]["post"]["requestBody"]["content"]
    assert list(part["multipart/form-data"]["schema"]["properties"]) == ["data"]


def test_files_are_told() -> None:
    operation = DOCUMENT["paths"]["/v1/files/{file_id}/content"]["get"]
    assert list(operation["responses"]["200"]["content"]) == ["application/octet-stream"]
