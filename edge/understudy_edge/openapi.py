"""The OpenAPI document of the REST face, from the routes and the codec's plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from understudy._version import __version__
from understudy_edge.schemas import Schemas, reachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import Descriptor

    from understudy_edge.codec import Codec, Member
    from understudy_edge.routes import Route, Upload
    from understudy_edge.schemas import Schema

_Json: TypeAlias = "dict[str, Any]"

_NULLABLE_STRING: Final[_Json] = {"type": ["string", "null"]}
_ERROR: Final[_Json] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": _NULLABLE_STRING,
                "code": _NULLABLE_STRING,
            },
        }
    },
}
_HEADERS: Final[_Json] = {"x-request-id": {"schema": {"type": "string"}}}
_PROBE: Final[_Json] = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string"},
        "checks": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def openapi_document(routes: Sequence[Route], codec: Codec, *, event: Descriptor) -> _Json:
    """OpenAPI 3.1. ``event`` is the message whose branches are the events of a stream."""
    return _Document(routes, codec, event).json()


class _Document:
    def __init__(self, routes: Sequence[Route], codec: Codec, event: Descriptor) -> None:
        self._routes = routes
        self._codec = codec
        self._event = event
        answers = {route.unary.output_type.full_name for route in routes if route.unary}
        shown = reachable(codec, {*answers, event.full_name})
        self._requests = Schemas(codec, is_request=True, suffixed=shown)
        self._responses = Schemas(codec, is_request=False, suffixed=frozenset())

    def json(self) -> _Json:
        paths: _Json = {"/health": _probe("health", {}), "/ready": _probe("ready", _UNREADY)}
        for route in self._routes:
            path = route.template.replace("=**}", "}")
            paths.setdefault(path, {})[route.verb.lower()] = self._operation(route)
        events = self._events()
        schemas = self._requests.components | self._responses.components
        return {
            "openapi": "3.1.0",
            "info": {"title": "Understudy", "version": __version__},
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
                "responses": {"Error": _answer("An error.", "application/json", _ref("Error"))},
                "schemas": dict(sorted(schemas.items())) | {"Error": _ERROR, "Event": events},
            },
        }

    def _operation(self, route: Route) -> _Json:
        name = route.method.name
        operation: _Json = {
            "operationId": name[0].lower() + name[1:],
            "tags": [route.method.containing_service.name],
            "parameters": list(self._parameters(route)),
        }
        if route.has_body:
            bound = frozenset(route.path_fields) | route.query_fields
            schema = self._requests.of_message(self._codec.plan(route.request), without=bound)
            content_type: _Json = {"application/json": {"schema": schema}}
            if route.upload is not None:
                content_type = {"multipart/form-data": _form(schema, route.upload)}
            operation["requestBody"] = {
                "required": bool(schema.get("required")),
                "content": content_type,
            }
        content: _Json = {}
        if route.unary is not None:
            schema = self._responses.reference(route.unary.output_type.full_name)
            content["application/json"] = {"schema": schema}
        if route.streaming is not None:
            # Each event of the stream, after its name and data have been put together.
            content["text/event-stream"] = {"schema": _ref("Event")}
        if route.download is not None:
            content["application/octet-stream"] = {}
        success = {"description": "Success.", "headers": _HEADERS, "content": content}
        operation["responses"] = {
            "200": success,
            "default": {"$ref": "#/components/responses/Error"},
        }
        return operation

    def _parameters(self, route: Route) -> list[_Json]:
        members = {member.name: member for member in self._codec.plan(route.request).members}
        found = [_parameter("path", name, {"type": "string"}) for name in route.path_fields]
        found += [
            self._query(member) for name, member in members.items() if name in route.query_fields
        ]
        found += [
            _parameter("header", header, {"type": "string"}) for _, header in route.header_fields
        ]
        if route.beta:
            found.append(
                _parameter("header", "OpenAI-Beta", {"type": "string"}) | {"required": True}
            )
        return found

    def _query(self, member: Member) -> _Json:
        name = f"{member.name}[]" if member.repeated else member.name
        return _parameter("query", name, self._requests.of_present(member))

    def _events(self) -> Schema:
        branches = self._codec.plan(self._event).members
        return {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["event", "data"],
                    "properties": {
                        "event": {"const": branch.options.event},
                        "data": self._responses.reference(branch.message),
                    },
                }
                for branch in branches
                if branch.options.event and branch.message
            ]
        }


def _form(schema: Schema, upload: Upload) -> _Json:
    """A form with these fields, and the bytes."""
    properties = {n: each for n, each in schema["properties"].items() if n != "filename"}
    required = [name for name in schema.get("required", ()) if name in properties]
    file = {upload.part: {"type": "string", "contentMediaType": "application/octet-stream"}}
    schema |= {"properties": file | properties, "required": [upload.part, *required]}
    # `expires_after[seconds]` rather than JSON in a part.
    nested = {
        name: {"style": "deepObject", "explode": True}
        for name, each in properties.items()
        if "type" not in each
    }
    return {"schema": schema} | ({"encoding": nested} if nested else {})


def _parameter(place: str, name: str, schema: Schema) -> _Json:
    parameter: _Json = {"name": name, "in": place, "schema": schema}
    if place == "path":
        parameter["required"] = True
    return parameter


def _ref(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, content_type: str, schema: Schema) -> _Json:
    return {
        "description": description,
        "headers": _HEADERS,
        "content": {content_type: {"schema": schema}},
    }


_UNREADY: Final[_Json] = {"503": _answer("Something is away.", "application/json", _PROBE)}


def _probe(name: str, more: _Json) -> _Json:
    """A path that needs no key."""
    responses = {"200": _answer("All is well.", "application/json", _PROBE)} | more
    return {"get": {"operationId": name, "security": [], "responses": responses}}
