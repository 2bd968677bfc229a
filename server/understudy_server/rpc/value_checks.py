"""Checks of single values, made from the wire options of a field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from understudy.wire.v1 import wire_pb2 as wire
from understudy_server import refused_values as words

Check: TypeAlias = Callable[[Any, str], None]
"""Raises InvalidRequest for a value, with the JSON path at which it stands."""

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}
_DECIMALS = {FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE}
NUMBERS = _INTEGERS | _DECIMALS

_NOUNS = {str: "a string", list: "an array", bool: "a boolean", int: "an integer"}


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def value_check(field: FieldDescriptor, options: wire.FieldWire) -> Check | None:
    """Of one value of a field that is no message and no map; None: anything goes."""
    kind = field.cpp_type
    if field.enum_type is not None:
        return _enum(field.enum_type)
    if kind in NUMBERS:
        return _range(options, "integer" if kind in _INTEGERS else "decimal")
    if options.raw_json:
        return _json_object
    if options.max_length or options.pattern:
        return _string(options)
    return None


def map_check(options: wire.FieldWire, value: Check | None = None) -> Check:
    """Of a map of strings, or of messages that ``value`` checks, in the order of its keys."""

    def check(entries: Any, path: str) -> None:
        if len(entries) > options.max_properties > 0:
            raise words.too_many_properties(path, options.max_properties, len(entries))
        for key in sorted(entries):
            if len(key) > options.max_key_length > 0:
                raise words.property_name_too_long(path, key, options.max_key_length)
            if value is not None:
                value(entries[key], join(path, key))
            elif 0 < options.max_value_length < len(entries[key]):
                length = len(entries[key])
                raise words.string_too_long(join(path, key), options.max_value_length, length)

    return check


def _string(options: wire.FieldWire) -> Check:
    maximum = options.max_length
    pattern = re.compile(options.pattern) if options.pattern else None

    def check(value: str, path: str) -> None:
        if len(value) > maximum > 0:
            raise words.string_too_long(path, maximum, len(value))
        if pattern is not None and pattern.fullmatch(value) is None:
            raise words.pattern_mismatch(path, pattern.pattern)

    return check


def _range(options: wire.FieldWire, kind: str) -> Check | None:
    minimum = options.min if options.HasField("min") else None
    maximum = options.max if options.HasField("max") else None
    if minimum is None and maximum is None:
        return None

    def check(value: float, path: str) -> None:
        # Asked this way round, so that NaN is outside of every range.
        if maximum is not None and not value <= maximum:
            raise words.above_maximum(path, kind, maximum, value)
        if minimum is not None and not value >= minimum:
            raise words.below_minimum(path, kind, minimum, value)

    return check


def _enum(enum: EnumDescriptor) -> Check | None:
    if enum.full_name == "google.protobuf.NullValue":
        return None
    known = {value.number for value in enum.values if value.number}
    supported = _wire_words(enum)

    def check(value: int, path: str) -> None:
        if value not in known:
            raise words.unsupported_value(path, str(value), supported)

    return check


def _wire_words(enum: EnumDescriptor) -> list[str]:
    """The JSON words of an enum's values: names without the enum's prefix, in lower case."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return [
        value.GetOptions().Extensions[wire.value].name or value.name.removeprefix(prefix).lower()
        for value in enum.values
        if value.number
    ]


def _json_object(value: bytes, path: str) -> None:
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise words.not_an_object(path, "invalid JSON") from None
    if not isinstance(parsed, dict):
        noun = "null" if parsed is None else _NOUNS.get(type(parsed), "a decimal number")
        raise words.not_an_object(path, noun)
