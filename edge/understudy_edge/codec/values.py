"""From the values of fields to values that orjson can write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import orjson

from understudy_edge.codec.plan import Kind, Member

# What has no JSON at all; None is JSON's null.
UNSET: Final = object()

Encode: TypeAlias = Callable[[Any], Any]


def value_encoder(member: Member, find: Callable[[str], Encode]) -> Encode | None:
    """What converts the field's value, lists and maps included; None where it already is JSON.

    `find` gives the encoder of a message by its full name.
    """
    item = _item(member, find)
    if member.repeated:
        return _listed(item) if item else _list
    if member.keyed:
        return _sorted(item or _as_is)
    return item


def _item(member: Member, find: Callable[[str], Encode]) -> Encode | None:
    if member.message is not None:
        return find(member.message)
    if member.words is not None:
        return _Words(member).__getitem__
    return {Kind.RAW: _raw, Kind.NULL: _null, Kind.EMPTY: _empty}.get(member.kind)


class _Words(dict[int, Any]):
    """The words by number. Zero is unset; a number that this edge does not know is a newer core's."""

    def __init__(self, member: Member) -> None:
        super().__init__(member.words or {})
        self[0] = UNSET
        self._field = member.name

    def __missing__(self, number: int) -> Any:
        raise ValueError(f"{self._field}: no word for the enum value {number}")


def _listed(item: Encode) -> Encode:
    def encode(values: Any) -> list[Any]:
        # Slicing makes a list at once; iterating over the container asks until it fails.
        return [encoded for value in values[:] if (encoded := item(value)) is not UNSET]

    return encode


def _list(values: Any) -> Any:
    return values[:]


def _sorted(item: Encode) -> Encode:
    def encode(values: Any) -> dict[str, Any]:
        return {
            key: encoded for key in sorted(values) if (encoded := item(values[key])) is not UNSET
        }

    return encode


def _raw(text: bytes) -> Any:
    # Empty bytes are no JSON text: they count as unset.
    return orjson.Fragment(text) if text else UNSET


def _null(_value: Any) -> None:
    return None


def _empty(_value: Any) -> dict[str, Any]:
    return {}


def _as_is(value: Any) -> Any:
    return value
