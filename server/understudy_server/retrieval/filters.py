"""Filters on the attributes of files. Pure.

A comparison looks at one attribute. Text, numbers and booleans are different types: ``eq`` between two of them is
false, and so is every comparison of a file that has no such attribute, except that ``ne`` and ``nin`` are always the
opposite of ``eq`` and ``in``. Text is compared by code points, so dates such as ``2026-01-31`` come in their order.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from understudy.v1 import vector_store_search_pb2 as search
from understudy.v1.vector_store_file_pb2 import Attribute

Predicate: TypeAlias = Callable[[Mapping[str, Attribute]], bool]
Value: TypeAlias = tuple[str, str | float | bool]
"""The type and the value, so that True is not 1."""

DEEPEST: Final = 10
"""Filters within filters."""
MOST: Final = 200
"""Comparisons of one search."""

_EQUAL: Final = {search.SEARCH_FILTER_TYPE_EQ: True, search.SEARCH_FILTER_TYPE_NE: False}
_AMONG: Final = {search.SEARCH_FILTER_TYPE_IN: True, search.SEARCH_FILTER_TYPE_NIN: False}
_ORDERED: Final[Mapping[int, Callable[[str | float, str | float], bool]]] = {
    search.SEARCH_FILTER_TYPE_GT: operator.gt,
    search.SEARCH_FILTER_TYPE_GTE: operator.ge,
    search.SEARCH_FILTER_TYPE_LT: operator.lt,
    search.SEARCH_FILTER_TYPE_LTE: operator.le,
}
_ALL: Final = {search.SEARCH_FILTER_TYPE_AND: all, search.SEARCH_FILTER_TYPE_OR: any}


class BadFilter(ValueError):
    """A filter that makes no sense. ``path``: where, such as ``filters.filters[0].value``."""

    def __init__(self, path: str, kind: str, words: str = "") -> None:
        super().__init__(words)
        self.path = path
        self.kind = kind
        """``missing``, ``unknown``, ``empty``, ``type`` or ``value``."""
        self.words = words


def predicate(filter: search.SearchFilter | None, path: str = "filters") -> Predicate:
    """Whether a file passes, by its attributes. Raises ``BadFilter``."""
    if filter is None:
        return lambda _: True
    left = [MOST]
    return _compiled(filter, path, DEEPEST, left)


def _compiled(filter: search.SearchFilter, path: str, depth: int, left: list[int]) -> Predicate:
    if filter.type not in _ALL:
        left[0] -= 1
        if left[0] < 0:
            raise BadFilter("filters", "value", f"more than {MOST} comparisons")
        if filter.filters:
            raise BadFilter(f"{path}.filters", "unknown")
        return _comparison(filter, path)
    if not depth:
        raise BadFilter(path, "value", f"filters nested more than {DEEPEST} deep")
    for name in ("key", "value"):
        if filter.HasField(name):
            raise BadFilter(f"{path}.{name}", "unknown")
    if not filter.filters:
        raise BadFilter(f"{path}.filters", "empty")
    parts = [
        _compiled(part, f"{path}.filters[{number}]", depth - 1, left)
        for number, part in enumerate(filter.filters)
    ]
    together = _ALL[filter.type]
    return lambda attributes: together(part(attributes) for part in parts)


def _comparison(filter: search.SearchFilter, path: str) -> Predicate:
    for name in ("key", "value"):
        if not filter.HasField(name) or (name == "value" and not filter.value.WhichOneof("value")):
            raise BadFilter(f"{path}.{name}", "missing")
    key = filter.key
    is_list = filter.value.WhichOneof("value") == "list"
    if filter.type in _AMONG:
        if not is_list:
            raise BadFilter(f"{path}.value", "type", "an array")
        among = frozenset(
            _value(each, f"{path}.value[{number}]")
            for number, each in enumerate(filter.value.list.values)
        )
        wanted = _AMONG[filter.type]
        return lambda attributes: (_of(attributes, key) in among) == wanted
    if is_list:
        raise BadFilter(f"{path}.value", "type", "a string, a number or a boolean")
    value = _value(filter.value, f"{path}.value")
    if filter.type in _EQUAL:
        wanted = _EQUAL[filter.type]
        return lambda attributes: (_of(attributes, key) == value) == wanted
    if filter.type not in _ORDERED:
        raise BadFilter(f"{path}.type", "missing")
    kind, than = value
    if kind == "boolean":
        raise BadFilter(f"{path}.value", "type", "a string or a number")
    compare = _ORDERED[filter.type]

    def passes(attributes: Mapping[str, Attribute]) -> bool:
        found = _of(attributes, key)
        return found is not None and found[0] == kind and compare(found[1], than)

    return passes


def _value(value: search.SearchFilterValue | Attribute, path: str) -> Value:
    kind = value.WhichOneof("value")
    match kind:
        case "text":
            return kind, value.text
        case "boolean":
            return kind, value.boolean
        case "number" if math.isfinite(value.number):
            return kind, value.number
        case "number":
            raise BadFilter(path, "value", "a number that is not finite")
        case _:
            raise BadFilter(path, "missing")


def _of(attributes: Mapping[str, Attribute], key: str) -> Value | None:
    found = attributes.get(key)
    kind = None if found is None else found.WhichOneof("value")
    if found is None or kind is None:
        return None
    return kind, getattr(found, kind)
