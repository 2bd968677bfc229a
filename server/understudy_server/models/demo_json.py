"""A JSON value that satisfies a JSON schema, filled from a sentence where it can be. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from understudy_server.models.loose import Json, as_count, as_list, as_object, as_text

_DEEPEST: Final = 3
"""Levels at which everything is filled; below, only what is required."""
_MOST_VALUES: Final = 500
_MOST_CHARACTERS: Final = 1_000
_FORMATS: Final = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_NUMBER: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_QUOTED: Final = re.compile(r"[\"“']([^\"”']{1,80})[\"”']")
_PROPER: Final = re.compile(r"(?<=[a-z0-9,] )([A-Z][\w-]*(?: [A-Z][\w-]*)*)")
_AFTER_WORD: Final = re.compile(r"\b(?:in|for|of|to|at|about|with|named?) ([\w-]+)", re.IGNORECASE)


class SchemaFiller:
    """Fills one schema; each number and name of ``sentence`` is used once, in its order."""

    def __init__(self, schema: Json, sentence: str) -> None:
        self._root = schema
        self._sentence = sentence
        self._left = _MOST_VALUES
        self._numbers: Iterator[str] = iter(_NUMBER.findall(sentence))
        found = [*_QUOTED.findall(sentence), *_PROPER.findall(sentence)]
        self._names: Iterator[str] = iter(found or _AFTER_WORD.findall(sentence))

    def fill(self) -> Any:
        return self._value(self._root, "value", 0)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            return None
        schema = self._plain(as_object(schema), depth)
        if "const" in schema:
            return schema["const"]
        if choices := as_list(schema.get("enum")):
            said = self._sentence.lower()
            return next(
                (c for c in choices if isinstance(c, str) and c.lower() in said), choices[0]
            )
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "integer":
                return math.ceil(self._number(schema, step=1))
            case "number":
                return self._number(schema, step=0.5)
            case "boolean":
                return True
            case _:
                return None

    def _plain(self, schema: Json, depth: int) -> Json:
        """``schema`` without references and alternatives.

        Deep down, the last alternative is taken: recursive schemas put their way out there,
        commonly ``null``.
        """
        for _ in range(_DEEPEST):
            if depth > 2 * _DEEPEST:
                return {}
            if reference := as_text(schema.get("$ref")):
                schema = self._resolve(reference)
            elif options := as_list(schema.get("anyOf")) or as_list(schema.get("oneOf")):
                schema = as_object(options[-1 if depth >= _DEEPEST else 0])
            elif parts := as_list(schema.get("allOf")):
                plain = [self._plain(as_object(part), depth + 1) for part in parts]
                schema = {key: value for part in plain for key, value in part.items()}
            else:
                break
        return schema

    def _resolve(self, reference: str) -> Json:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/"):
            if step:
                found = as_object(found).get(step.replace("~1", "/").replace("~0", "~"))
        return as_object(found)

    def _object(self, schema: Json, depth: int) -> dict[str, Any]:
        properties = as_object(schema.get("properties"))
        required = [name for name in as_list(schema.get("required")) if isinstance(name, str)]
        wanted = required if depth >= _DEEPEST else dict.fromkeys([*properties, *required])
        return {name: self._value(properties.get(name), name, depth + 1) for name in wanted}

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        usual = 0 if depth >= _DEEPEST else 1
        count = min(as_count(schema.get("minItems", usual)), _MOST_VALUES)
        return [self._value(schema.get("items"), name, depth + 1) for _ in range(count)]

    def _string(self, schema: Json, name: str) -> str:
        text = _FORMATS.get(as_text(schema.get("format"))) or next(self._names, name)
        text = text.ljust(min(as_count(schema.get("minLength")), _MOST_CHARACTERS), ".")
        return text[: as_count(schema.get("maxLength", _MOST_CHARACTERS))]

    def _number(self, schema: Json, *, step: float) -> float:
        lowest = _bound(schema, "minimum", "exclusiveMinimum", step)
        highest = _bound(schema, "maximum", "exclusiveMaximum", -step)
        value = float(next(self._numbers, 1))
        value = value if lowest is None else max(value, lowest)
        value = value if highest is None else min(value, highest)
        multiple = schema.get("multipleOf")
        if not isinstance(multiple, int | float) or multiple <= 0:
            return value
        return math.ceil(value / multiple) * multiple


def _bound(schema: Json, inclusive: str, exclusive: str, step: float) -> float | None:
    bound, beside = schema.get(inclusive), schema.get(exclusive)
    if isinstance(bound, int | float):
        return bound
    return beside + step if isinstance(beside, int | float) else None


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"
