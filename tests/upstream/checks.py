"""Strict reading of JSON requests, refusing in OpenAI's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any, str], None]
"""Looks at a value found at a path such as ``tools[0].name``; raises ``Refused``."""


class Refused(Exception):
    """An error response in OpenAI's shape."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}


def anything(_value: Any, _path: str) -> None:
    """For parameters that exist and do not matter here."""


def typed(kind: type | tuple[type, ...], name: str) -> Check:
    def check(value: Any, path: str) -> None:
        wrong_flag = isinstance(value, bool) and kind is not bool
        if wrong_flag or not isinstance(value, kind):
            raise Refused(
                f"Invalid type for '{path}': expected {name}, but got {_named(value)} instead.",
                param=path,
                code="invalid_type",
            )

    return check


text = typed(str, "a string")
number = typed((int, float), "a decimal")
flag = typed(bool, "a boolean")
json_object = typed(dict, "an object")


def integer(least: int) -> Check:
    is_integer = typed(int, "an integer")

    def check(value: Any, path: str) -> None:
        is_integer(value, path)
        if value < least:
            raise Refused(
                f"Invalid '{path}': integer below minimum value. Expected a value >= {least},"
                f" but got {value} instead.",
                param=path,
                code="integer_below_min_value",
            )

    return check


def pattern(expression: str) -> Check:
    def check(value: Any, path: str) -> None:
        text(value, path)
        if not re.fullmatch(expression, value):
            raise Refused(
                f"Invalid '{path}': string does not match pattern. Expected a string that matches"
                f" the pattern '^{expression}$'.",
                param=path,
                code="invalid_value",
            )

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, path: str) -> None:
        text(value, path)
        if value not in values:
            raise _unsupported(value, values, path)

    return check


def nullable(check: Check) -> Check:
    return lambda value, path: None if value is None else check(value, path)


def array(item: Check, *, least: int = 0) -> Check:
    is_array = typed(list, "an array")

    def check(value: Any, path: str) -> None:
        is_array(value, path)
        if len(value) < least:
            raise Refused(
                f"Invalid '{path}': empty array. Expected an array with minimum length {least},"
                " but got an empty array instead.",
                param=path,
                code="empty_array",
            )
        for index, element in enumerate(value):
            item(element, f"{path}[{index}]")

    return check


def text_or(other: Check) -> Check:
    return lambda value, path: None if isinstance(value, str) else other(value, path)


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    fields = {**required, **(optional or {})}

    def check(value: Any, path: str) -> None:
        json_object(value, path)
        for name in required:
            if name not in value:
                at = _join(path, name)
                raise Refused(
                    f"Missing required parameter: '{at}'.",
                    param=at,
                    code="missing_required_parameter",
                )
        for name, inner in value.items():
            at = _join(path, name)
            if name not in fields:
                raise Refused(f"Unknown parameter: '{at}'.", param=at, code="unknown_parameter")
            fields[name](inner, at)

    return check


def tagged(tag: str, variants: Mapping[str, Check]) -> Check:
    """An object whose ``tag`` says which shape it has."""

    def check(value: Any, path: str) -> None:
        shape({tag: anything}, dict.fromkeys(value, anything) if isinstance(value, dict) else {})(
            value, path
        )
        kind = value[tag]
        text(kind, _join(path, tag))
        if kind not in variants:
            raise _unsupported(kind, tuple(variants), _join(path, tag))
        variants[kind](value, path)

    return check


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unsupported(value: str, values: tuple[str, ...], path: str) -> Refused:
    *most, last = (f"'{one}'" for one in values)
    listed = f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}" if most else last
    return Refused(
        f"Invalid value: '{value}'. Supported values are: {listed}.",
        param=path,
        code="invalid_value",
    )


def _named(value: Any) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
