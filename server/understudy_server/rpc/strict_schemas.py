"""What a function's JSON schema must be for ``strict``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import orjson

from understudy.v1 import tool_pb2
from understudy_server.errors import InvalidRequest

_Context: TypeAlias = tuple[str, ...]

_NAMED = ("properties", "$defs", "definitions")
"""Keywords that hold schemas by name."""
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords that hold a list of schemas."""


def check_strict(function: tool_pb2.FunctionTool, path: str) -> None:
    """Raises ``InvalidRequest`` when a strict function leaves an object open; ``path`` leads to the function.

    A function without ``parameters`` takes none, so there is nothing to close.
    """
    if not function.strict or not function.parameters:
        return
    for context, schema in _objects(orjson.loads(function.parameters)):
        if schema.get("additionalProperties") is not False:
            raise InvalidRequest(
                f"Invalid schema for function '{function.name}': In context={context}, "
                "'additionalProperties' is required to be supplied and to be false.",
                reason="INVALID_FUNCTION_PARAMETERS",
                param=f"{path}.parameters",
            )


def _objects(schema: Any) -> Iterator[tuple[_Context, dict[str, Any]]]:
    """Every schema of an object, outermost first, and how it is reached.

    Without recursion: how deep a schema is nested is up to the caller.
    """
    waiting: list[tuple[_Context, Any]] = [((), schema)]
    while waiting:
        context, found = waiting.pop()
        if not isinstance(found, dict):
            continue
        if found.get("type") == "object" or "properties" in found:
            yield context, found
        waiting.extend(reversed(list(_within(context, found))))


def _within(context: _Context, schema: dict[str, Any]) -> Iterator[tuple[_Context, Any]]:
    for keyword in _NAMED:
        if isinstance(named := schema.get(keyword), dict):
            yield from (((*context, keyword, name), inner) for name, inner in named.items())
    for keyword in _LISTED:
        if isinstance(listed := schema.get(keyword), list):
            yield from (
                ((*context, keyword, str(index)), inner) for index, inner in enumerate(listed)
            )
    yield (*context, "items"), schema.get("items")
