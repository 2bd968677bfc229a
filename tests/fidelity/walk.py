"""Finds each property in a value, as ``properties.py`` names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.fidelity.properties import (
    Key,
    Node,
    fields,
    is_object,
    resolve,
    schema_named,
    variants,
    without_null,
)

MISSING: Final = "<missing>"
"""Stands for a value that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    key: Key
    place: str
    """From the outermost schema on."""
    value: Any
    other: Any
    """What the other value has in the same place, or ``MISSING``."""


def occurrences(schema: str, value: Any, other: Any = MISSING) -> Iterator[Occurrence]:
    """Of a value that fits the schema; ``other`` is to be compared with it."""
    return _inside(schema_named(schema), schema, "", schema, value, other)


def _inside(
    node: Node, schema: str, path: str, place: str, value: Any, other: Any
) -> Iterator[Occurrence]:
    if value is None:
        return
    name, node = resolve(node)
    if name:
        yield from _inside(node, name, "", place, value, other)
        return
    for label, kind in variants(node).items():
        if _fits(kind, value):
            at, there = f"{path} ({label})".lstrip(), f"{place} ({label})"
            if resolve(kind)[0] or not is_object(kind):
                yield Occurrence(key=(schema, at), place=there, value=value, other=other)
                inner = (path, place) if kind.get("type") == "array" else (at, there)
                yield from _inside(kind, schema, *inner, value, other)
            else:
                yield from _inside(kind, schema, at, there, value, other)
            return
    for field, inner_node in fields(node).items():
        if isinstance(value, dict) and field in value:
            at, there = f"{path}.{field}".removeprefix("."), f"{place}.{field}"
            found, theirs = value[field], _get(other, field)
            yield Occurrence(key=(schema, at), place=there, value=found, other=theirs)
            yield from _inside(inner_node, schema, at, there, found, theirs)
    if "items" in node:
        for index, item in enumerate(value):
            theirs = _get(other, index)
            yield from _inside(node["items"], schema, f"{path}[]", f"{place}[]", item, theirs)


def _get(container: Any, key: str | int) -> Any:
    if isinstance(container, dict):
        return container.get(key, MISSING)
    if isinstance(container, list) and isinstance(key, int) and key < len(container):
        return container[key]
    return MISSING


_KINDS: dict[type, str] = {str: "string", list: "array", dict: "object", bool: "boolean"}


def _fits(kind: Node, value: Any) -> bool:
    """Told by the JSON type, and by the tag of an object."""
    node = without_null(resolve(kind)[1])
    if inner := variants(node):
        return any(_fits(each, value) for each in inner.values())
    if node.get("type", "object") != _KINDS[type(value)]:
        return False
    if isinstance(value, str):
        return value in node.get("enum", [value])
    if isinstance(value, dict):
        tags = {name: fields(node).get(name, {}).get("enum") for name in ("type", "event")}
        return all(value.get(name) in words for name, words in tags.items() if words)
    return True
