"""Judges responses and streamed events by OpenAI's own description of them.

Every object is taken as closed, so that a key of ours which the description does not have is noticed. What is
tolerated stands in ``deviations.py``; anything else fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contract.deviations import DEVIATIONS, Deviation

_FILE = Path(__file__).with_name("openapi-assistants.normalized.yaml")
_SCHEMAS = "#/components/schemas/"

Place: TypeAlias = tuple[str, str, str]
"""Of a difference: innermost schema, path from there, keyword."""

# Operations of ours, which OpenAI's description does not have.
_EXTENSIONS = {
    ("get", "/threads"): "ListThreadsResponse",
    ("get", "/runs"): "ListRunsResponse",
    ("get", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}/request"): "RunStepModelCall",
}
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}
_MODEL_CALL = {
    "step_id": _TEXT,
    "object": {"type": "string", "enum": ["thread.run.step.request"]},
    "run_id": _TEXT,
    "thread_id": _TEXT,
    "created_at": _NUMBER,
    "provider": _TEXT,
    "dialect": {"type": "string", "enum": ["responses", "chat", "demo"]},
    "requested_model": _TEXT,
    "model": _TEXT,
    "url": {"type": ["string", "null"]},
    "attempt": _NUMBER,
    "round": _NUMBER,
    "truncated": {"type": "boolean"},
    "body": {"type": "object"},
}


def validate(schema_name: str, value: Any) -> frozenset[Deviation]:
    """Raises ``AssertionError`` that lists every difference; gives the rows that were made use of."""
    used: set[Deviation] = set()
    problems: list[str] = []
    for place, error in _differences(schema_name, value):
        row = next((row for row in DEVIATIONS if _tolerates(row, place, error)), None)
        if row is None:
            schema, path, keyword = place
            problems.append(f"{schema} {path or '<root>'} ({keyword}): {error.message[:300]}")
        else:
            used.add(row)
    assert not problems, f"not a {schema_name}: " + "; ".join(problems)
    return frozenset(used)


def _tolerates(row: Deviation, place: Place, error: ValidationError) -> bool:
    same_value = row.keyword not in {"enum", "type"} or row.value == error.instance
    return (row.schema, row.path, row.keyword) == place and same_value


def validate_response(method: str, path: str, status: int, value: Any) -> frozenset[Deviation]:
    """The JSON answer to a request; ``path`` with or without ``/v1`` and query. Not for streams."""
    if status != 200:
        return validate("ErrorResponse", value)
    return validate(_schema_of(method, path.removeprefix("/v1").partition("?")[0]), value)


def validate_event(event_name: str, value: Any) -> frozenset[Deviation]:
    """One streamed event with its parsed data; that of ``done`` is the text ``[DONE]``."""
    if event_name == "done":
        assert value == "[DONE]", f"done carries {value!r}"
        return frozenset()
    assert event_name in _events(), f"no event is called {event_name!r}"
    return validate(_events()[event_name], value)


def _schema_of(method: str, path: str) -> str:
    """By the path template with the fewest placeholders that fits."""
    fitting = [
        template for template in _paths(method.lower()) if re.fullmatch(_pattern(template), path)
    ]
    assert fitting, f"no operation is {method} {path}"
    return _paths(method.lower())[min(fitting, key=lambda template: template.count("{"))]


def _pattern(template: str) -> str:
    # The name of a model may have slashes in it.
    return re.sub(r"\{\w+\}", "[^/]+", template.replace("{model}", ".+"))


@cache
def document() -> dict[str, Any]:
    """OpenAI's description, with every object closed, and a page of threads, which it does not have."""
    loaded: dict[str, Any] = yaml.load(
        _FILE.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    schemas = loaded["components"]["schemas"]
    page = schemas["ListRunsResponse"]
    items = {"type": "array", "items": {"$ref": f"{_SCHEMAS}ThreadObject"}}
    schemas["ListThreadsResponse"] = {**page, "properties": {**page["properties"], "data": items}}
    schemas["RunStepModelCall"] = {
        "type": "object",
        "properties": _MODEL_CALL,
        "required": list(_MODEL_CALL),
    }
    _close(schemas)
    return loaded


def _close(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            node.setdefault("additionalProperties", False)
        for inner in node.values():
            _close(inner)
    elif isinstance(node, list):
        for inner in node:
            _close(inner)


@cache
def _paths(method: str) -> dict[str, str]:
    """The name of the response's schema, by path template."""
    found = {template: name for (verb, template), name in _EXTENSIONS.items() if verb == method}
    for template, operations in document()["paths"].items():
        if method in operations:
            content = operations[method]["responses"]["200"].get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            found[template] = reference.removeprefix(_SCHEMAS)
    return found


@cache
def _events() -> dict[str, str]:
    """The name of the data's schema, by event name."""
    schemas = document()["components"]["schemas"]
    found: dict[str, str] = {}
    for reference in schemas["AssistantStreamEvent"]["oneOf"]:
        union = schemas[reference["$ref"].removeprefix(_SCHEMAS)]
        for branch in union.get("oneOf", [union]):
            (name,) = branch["properties"]["event"]["enum"]
            data = branch["properties"]["data"]
            found[name] = data.get("$ref", "").removeprefix(_SCHEMAS)
    return found


@cache
def _validator(schema_name: str) -> Draft202012Validator:
    assert schema_name in document()["components"]["schemas"], schema_name
    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:openapi", resource)
    return Draft202012Validator({"$ref": f"urn:openapi{_SCHEMAS}{schema_name}"}, registry=registry)


def _differences(schema_name: str, value: Any) -> Iterator[tuple[Place, ValidationError]]:
    for error in _leaves(_validator(schema_name).iter_errors(value)):
        schema, depth = _innermost(schema_name, error)
        path = _render(list(error.absolute_path)[depth:])
        if error.validator == "additionalProperties":
            assert isinstance(error.schema, dict)
            assert isinstance(error.instance, dict)
            for extra in error.instance.keys() - error.schema["properties"].keys():
                yield (schema, f"{path}.{extra}".removeprefix("."), error.validator), error
        else:
            yield (schema, path, str(error.validator)), error


def _leaves(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Instead of "fits none of the choices", what is wrong with the choice that is meant."""
    for error in errors:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context or ():
            branches.setdefault(inner.schema_path[0], []).append(inner)
        if branches:
            yield from _leaves(min(branches.values(), key=_distance))
        else:
            yield error


def _distance(errors: Iterable[ValidationError]) -> tuple[int, int]:
    """A choice whose type or tag differs is further away than one that is only wrong inside."""
    found = list(errors)
    foreign = [e for e in found if e.validator == "type" and not e.path]
    foreign += [e for e in found if e.validator == "enum" and list(e.path) == ["type"]]
    return len(foreign), len(found)


def _innermost(schema_name: str, error: ValidationError) -> tuple[str, int]:
    """The innermost named schema on the way to the error, and how deep in the value it begins."""
    schemas = document()["components"]["schemas"]
    name, depth, at_depth = schema_name, 0, 0
    node: Any = schemas[name]
    steps = iter(error.absolute_schema_path)
    for step in steps:
        # jsonschema follows a reference without a step of its own.
        while isinstance(node, dict) and "$ref" in node:
            name, at_depth = node["$ref"].removeprefix(_SCHEMAS), depth
            node = schemas[name]
        if step == "properties":
            node, depth = node[step][next(steps)], depth + 1
        else:
            node = node[step]
            if step in {"items", "additionalProperties"} and isinstance(node, dict):
                depth += 1
    return name, at_depth


def _render(path: list[str | int]) -> str:
    return "".join("[]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
