"""Scalars out of parsed JSON: each reader gives the value for the field, or raises the Problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from understudy_edge.codec import words
from understudy_edge.codec.plan import Kind, Member
from understudy_edge.codec.words import Path

Read: TypeAlias = Callable[[Any, Path], Any]

# orjson gives an integer of more than 64 bits as a float. Written either way it is out of every range.
_BEYOND = 2**63


def reader(member: Member) -> Read:
    """For one value of a member that is a scalar, an enum or a NullValue."""
    if member.words is not None:
        return _word({word: number for number, word in member.words.items()})
    if member.span is not None:
        return _integer(member.span, _limits(member, member.span))
    return {
        Kind.STRING: read_string,
        Kind.NUMBER: _number,
        Kind.BOOLEAN: _boolean,
        Kind.NULL: _null,
    }[member.kind]


def read_string(value: Any, path: Path) -> str:
    if type(value) is not str:
        raise words.mistyped(path, "a string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise words.not_unicode(path) from None
    return value


def _word(numbers: dict[str, int]) -> Read:
    def read(value: Any, path: Path) -> int:
        if type(value) is not str:
            raise words.mistyped(path, "a string", value)
        if value not in numbers:
            raise words.unsupported(path, value, numbers)
        return numbers[value]

    return read


def _limits(member: Member, span: tuple[int, int]) -> tuple[int, int]:
    """The bounds to tell: what does not fit the type is refused here, in the words that the core has for its limits."""
    low, high = span
    if member.options.HasField("min"):
        low = max(low, int(member.options.min))
    if member.options.HasField("max"):
        high = min(high, int(member.options.max))
    return low, high


def _integer(span: tuple[int, int], limits: tuple[int, int]) -> Read:
    low, high = span

    def read(value: Any, path: Path) -> int:
        if type(value) is float and abs(value) >= _BEYOND:
            value = int(value)
        if type(value) is not int:
            raise words.mistyped(path, "an integer", value)
        if not low <= value <= high:
            raise words.out_of_range(path, value, limits, above=value > high)
        return value

    return read


def _number(value: Any, path: Path) -> float:
    if type(value) is not float and type(value) is not int:
        raise words.mistyped(path, "a decimal number", value)
    return float(value)


def _boolean(value: Any, path: Path) -> bool:
    if type(value) is not bool:
        raise words.mistyped(path, "a boolean", value)
    return value


def _null(value: Any, path: Path) -> int:
    if value is not None:
        raise words.mistyped(path, "null", value)
    return 0
