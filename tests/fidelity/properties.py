"""Every property of OpenAI's description that belongs to assistants, threads, messages, runs and steps.

A property is named by the schema that has it and its path there: ``RunObject``, ``last_error.code``. ``[]`` is any
item of a list, and ``(X)`` one of several kinds of value: ``tools[] (AssistantToolsCode)``. What a named schema has
is listed once, under its own name, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

from tests.contract.schema import document

Node: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]
"""Schema, or verb and path of an operation; path of the property, or name of the query parameter."""

_PREFIX = "#/components/schemas/"
_OURS = ("/assistants", "/threads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    key: Key
    type: str
    """In short, for readers."""
    values: tuple[str, ...] = ()
    """All that it may be, where that is a list of more than one."""
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place for a property below some schema."""

    property: Property
    place: str
    """From the outermost schema on."""
    above: tuple[Key, ...]
    """The properties in which it lies, outermost first."""
    node: Node


@cache
def properties(schema: str) -> tuple[Property, ...]:
    """Those of one schema, without what the schemas that it names have."""
    return tuple(slot.property for slot in _slots(schema, deep=False))


@cache
def slots(schema: str) -> tuple[Slot, ...]:
    """Those of a schema and of all below it, once for each place."""
    return tuple(_slots(schema, deep=True))


def _slots(schema: str, *, deep: bool) -> Iterator[Slot]:
    return _inside(schema_named(schema), schema, "", schema, (), deep)


def _inside(
    node: Node, schema: str, path: str, place: str, above: tuple[Key, ...], deep: bool
) -> Iterator[Slot]:
    name, node = resolve(node)
    if name:
        if deep:
            yield from _inside(node, name, "", place, above, deep)
        return
    kinds = variants(node)
    for label, kind in kinds.items():
        at, there = f"{path} ({label})".lstrip(), f"{place} ({label})"
        if resolve(kind)[0] or not is_object(kind):
            slot = _slot(kind, schema, at, there, above)
            yield slot
            # A list shows by its brackets which kind of value it is.
            inner = (path, place) if kind.get("type") == "array" else (at, there)
            yield from _inside(kind, schema, *inner, (*above, slot.property.key), deep)
        else:
            yield from _inside(kind, schema, at, there, above, deep)
    if kinds:
        return
    for field, inner_node in fields(node).items():
        at = f"{path}.{field}".removeprefix(".")
        slot = _slot(inner_node, schema, at, f"{place}.{field}", above)
        yield slot
        yield from _inside(
            inner_node, schema, at, f"{place}.{field}", (*above, slot.property.key), deep
        )
    if items := node.get("items"):
        yield from _inside(items, schema, f"{path}[]", f"{place}[]", above, deep)


def _slot(node: Node, schema: str, path: str, place: str, above: tuple[Key, ...]) -> Slot:
    values = _values(node)
    found = Property(
        key=(schema, path),
        type=short(node),
        values=values if len(values) > 1 else (),
        nullable=_may_be_null(node),
    )
    return Slot(property=found, place=place, above=above, node=node)


def _values(node: Node) -> tuple[str, ...]:
    name, node = resolve(node)
    if name and not _has_properties(name):
        node = without_null(schema_named(name))
    return tuple(node.get("enum", ())) if name != "AssistantSupportedModels" else ()


def schema_named(name: str) -> Node:
    node: Node = document()["components"]["schemas"][name]
    return node


def resolve(node: Node) -> tuple[str, Node]:
    """The name of the schema that is meant, if it has properties, and the schema without null."""
    node = without_null(node)
    if "$ref" in node:
        name = node["$ref"].removeprefix(_PREFIX)
        return name, schema_named(name)
    return "", node


def without_null(node: Node) -> Node:
    """What else than null it may be."""
    for word in ("allOf", "oneOf", "anyOf"):
        rest = [kind for kind in node.get(word, ()) if kind and kind.get("type") != "null"]
        rest = [kind for kind in rest if "$ref" in kind or "type" in kind]
        if len(rest) == 1:
            return without_null(rest[0])
    return node


def variants(node: Node) -> dict[str, Node]:
    """By name, where there is a choice between different kinds of values."""
    rest = [
        without_null(kind)
        for kind in chain(node.get("oneOf", ()), node.get("anyOf", ()))
        if kind.get("type") != "null" and ("$ref" in kind or "type" in kind)
    ]
    if len(rest) < 2 or all(_is_text(kind) for kind in rest):
        return {}
    return {_label(kind): kind for kind in rest}


def _label(kind: Node) -> str:
    if "$ref" in kind:
        return str(kind["$ref"].removeprefix(_PREFIX))
    for tag in ("type", "event"):
        if words := fields(kind).get(tag, {}).get("enum"):
            return str(words[0])
    if "enum" in kind:
        return ", ".join(kind["enum"])
    return str(kind["type"])


def _is_text(kind: Node) -> bool:
    return kind.get("type") == "string" or kind.get("$ref", "").endswith("SupportedModels")


def fields(node: Node) -> dict[str, Node]:
    found: dict[str, Node] = node.get("properties", {})
    return found


def is_object(node: Node) -> bool:
    return "properties" in node


def _has_properties(name: str) -> bool:
    return bool(properties(name))


def _may_be_null(node: Node) -> bool:
    if "$ref" in node:
        return _may_be_null(schema_named(node["$ref"].removeprefix(_PREFIX)))
    kinds = chain(node.get("oneOf", ()), node.get("anyOf", ()))
    return any(kind.get("type") == "null" for kind in kinds)


def short(node: Node) -> str:
    """The type in a few words."""
    null = _may_be_null(node)
    inner = without_null(node)
    if "$ref" in inner:
        words = str(inner["$ref"].removeprefix(_PREFIX))
    elif kinds := variants(inner):
        words = " or ".join(kinds)
    elif enum := inner.get("enum"):
        words = ", ".join(map(str, enum))
    elif inner.get("type") == "array":
        words = f"list of {short(inner['items'])}"
    else:
        words = str(inner.get("type", "string"))
    return f"{words} or null" if null else words


def operations() -> Iterator[tuple[str, Node]]:
    """Ours, as ``GET /assistants``."""
    for path, verbs in document()["paths"].items():
        for verb, operation in verbs.items():
            if path.startswith(_OURS) and verb in {"get", "post", "delete"}:
                yield f"{verb.upper()} {path}", operation


def request_schema(operation: Node) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", "").removeprefix(_PREFIX))


def response_schema(operation: Node) -> str:
    content = operation["responses"]["200"]["content"]["application/json"]
    return str(content["schema"]["$ref"].removeprefix(_PREFIX))


def queries(operation: Node, name: str) -> Iterator[Property]:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            node = parameter["schema"]
            values = tuple(node.get("enum", ()))
            yield Property(key=(name, parameter["name"]), type=short(node), values=values)


@cache
def requests() -> tuple[str, ...]:
    """The schemas of bodies."""
    found = (request_schema(operation) for _, operation in operations())
    return tuple(dict.fromkeys(filter(None, found)))


@cache
def responses() -> tuple[str, ...]:
    """The schemas of answers, of streamed events and of errors."""
    found = [response_schema(operation) for _, operation in operations()]
    return (*dict.fromkeys(found), "AssistantStreamEvent", "ErrorResponse")


def schemas_below(roots: tuple[str, ...]) -> tuple[str, ...]:
    """These, and all that they name and that have properties, in the order of their use."""
    found = chain.from_iterable(
        (root, *(slot.property.key[0] for slot in slots(root))) for root in roots
    )
    return tuple(name for name in dict.fromkeys(found) if _has_properties(name))


@cache
def all_properties() -> tuple[Property, ...]:
    schemas = dict.fromkeys((*schemas_below(requests()), *schemas_below(responses())))
    of_schemas = (properties(schema) for schema in schemas)
    of_queries = (tuple(queries(operation, name)) for name, operation in operations())
    return tuple(chain.from_iterable((*of_schemas, *of_queries)))
