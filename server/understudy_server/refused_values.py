"""Refusals of values, in OpenAI's words: one function for each kind."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.errors import InvalidRequest

_INTEGERS_IN_FULL = 1e16


def missing(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Missing required parameter: '{path}'.",
        reason="MISSING_REQUIRED_PARAMETER",
        param=path,
    )


def string_too_long(path: str, maximum: int, length: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': string too long. Expected a string with maximum length {maximum},"
        f" but got a string with length {length} instead.",
        reason="STRING_ABOVE_MAX_LENGTH",
        param=path,
    )


def pattern_mismatch(path: str, pattern: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': string does not match pattern."
        f" Expected a string that matches the pattern '{pattern}'.",
        reason="INVALID_VALUE",
        param=path,
    )


def array_too_long(path: str, maximum: int, length: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': array too long. Expected an array with maximum length {maximum},"
        f" but got an array with length {length} instead.",
        reason="ARRAY_ABOVE_MAX_LENGTH",
        param=path,
    )


def empty_text(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': empty string. Expected a string with minimum length 1,"
        " but got an empty string instead.",
        reason="INVALID_VALUE",
        param=path,
    )


def empty_array(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': empty array. Expected an array with minimum length 1,"
        " but got an empty array instead.",
        reason="EMPTY_ARRAY",
        param=path,
    )


def above_maximum(path: str, kind: str, maximum: float, value: float) -> InvalidRequest:
    """``kind`` is ``integer`` or ``decimal``."""
    return InvalidRequest(
        f"Invalid '{path}': {kind} above maximum value."
        f" Expected a value <= {number(maximum)}, but got {number(value)} instead.",
        reason=f"{kind.upper()}_ABOVE_MAX_VALUE",
        param=path,
    )


def below_minimum(path: str, kind: str, minimum: float, value: float) -> InvalidRequest:
    """``kind`` is ``integer`` or ``decimal``."""
    return InvalidRequest(
        f"Invalid '{path}': {kind} below minimum value."
        f" Expected a value >= {number(minimum)}, but got {number(value)} instead.",
        reason=f"{kind.upper()}_BELOW_MIN_VALUE",
        param=path,
    )


def too_many_properties(path: str, maximum: int, count: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': too many properties. Expected an object with at most {maximum}"
        f" properties, but got an object with {count} properties instead.",
        reason="OBJECT_ABOVE_MAX_PROPERTIES",
        param=path,
    )


def property_name_too_long(path: str, name: str, maximum: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid property name in '{path}': '{name}' is too long. Expected a string with maximum"
        f" length {maximum}, but got a string with length {len(name)} instead.",
        reason="PROPERTY_NAME_ABOVE_MAX_LENGTH",
        param=f"{path}.{name}",
    )


def unsupported_value(path: str, value: str, supported: Sequence[str]) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid value: '{value}'. Supported values are: {_listed(supported)}.",
        reason="INVALID_VALUE",
        param=path,
    )


def not_an_object(path: str, found: str) -> InvalidRequest:
    """``found`` is the noun of what is there: ``an array``."""
    return InvalidRequest(
        f"Invalid type for '{path}': expected an object, but got {found} instead.",
        reason="INVALID_TYPE",
        param=path,
    )


def number(value: float) -> str:
    """As JSON writes it: 2 rather than 2.0."""
    if float(value).is_integer() and abs(value) < _INTEGERS_IN_FULL:
        return str(int(value))
    return repr(value)


def _listed(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"
