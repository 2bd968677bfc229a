"""Filters against a plain reading of their definition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.v1 import vector_store_search_pb2 as pb
from understudy.v1.vector_store_file_pb2 import Attribute
from understudy_server.retrieval.filters import DEEPEST, MOST, BadFilter, predicate

T = pb.SearchFilterType
TYPES = {
    "eq": T.SEARCH_FILTER_TYPE_EQ,
    "ne": T.SEARCH_FILTER_TYPE_NE,
    "gt": T.SEARCH_FILTER_TYPE_GT,
    "gte": T.SEARCH_FILTER_TYPE_GTE,
    "lt": T.SEARCH_FILTER_TYPE_LT,
    "lte": T.SEARCH_FILTER_TYPE_LTE,
    "in": T.SEARCH_FILTER_TYPE_IN,
    "nin": T.SEARCH_FILTER_TYPE_NIN,
    "and": T.SEARCH_FILTER_TYPE_AND,
    "or": T.SEARCH_FILTER_TYPE_OR,
}

Json = dict[str, Any]


def attribute(value: str | float | bool) -> Attribute:
    if isinstance(value, bool):
        return Attribute(boolean=value)
    return Attribute(text=value) if isinstance(value, str) else Attribute(number=value)


def filter_of(given: Json) -> pb.SearchFilter:
    built = pb.SearchFilter(type=TYPES[given["type"]])
    if "key" in given:
        built.key = given["key"]
    match given.get("value"):
        case None:
            pass
        case list(values):
            built.value.list.SetInParent()
            built.value.list.values.extend(attribute(each) for each in values)
        case bool(value):
            built.value.boolean = value
        case str(value):
            built.value.text = value
        case value:
            built.value.number = value
    built.filters.extend(filter_of(each) for each in given.get("filters", ()))
    return built


def oracle(given: Json, attributes: Json) -> bool:
    """The definition, over JSON."""
    kind = given["type"]
    if kind == "and":
        return all(oracle(each, attributes) for each in given["filters"])
    if kind == "or":
        return any(oracle(each, attributes) for each in given["filters"])
    value = given["value"]
    found = attributes.get(given["key"])

    def same(other: object) -> bool:
        both_flags = isinstance(found, bool) == isinstance(other, bool)
        return found is not None and both_flags and found == other

    match kind:
        case "eq":
            return same(value)
        case "ne":
            return not same(value)
        case "in":
            return any(same(each) for each in value)
        case "nin":
            return not any(same(each) for each in value)
    if found is None or isinstance(found, bool) or isinstance(found, str) != isinstance(value, str):
        return False
    return bool(
        {"gt": found > value, "gte": found >= value, "lt": found < value, "lte": found <= value}[
            kind
        ]
    )


KEYS = st.sampled_from("abc")
TEXTS = st.sampled_from(["", "x", "y", "2026-01-31", "2026-02-01", "1"])
NUMBERS = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, -0.0, 1e300]))
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans())
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=3)


def comparison(kinds: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"type": st.sampled_from(kinds), "key": KEYS, "value": values})


COMPARISONS = st.one_of(
    comparison(["eq", "ne"], VALUES),
    comparison(["gt", "gte", "lt", "lte"], st.one_of(TEXTS, NUMBERS)),
    comparison(["in", "nin"], st.lists(VALUES, max_size=3)),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["and", "or"]), "filters": st.lists(inner, min_size=1, max_size=3)}
    ),
    max_leaves=8,
)


@given(FILTERS, ATTRIBUTES)
def test_a_filter_means_what_its_definition_says(filter: Json, attributes: Json) -> None:
    passes = predicate(filter_of(filter))
    given_attributes = {key: attribute(value) for key, value in attributes.items()}
    assert passes(given_attributes) == oracle(filter, attributes)


@given(ATTRIBUTES)
def test_without_a_filter_everything_passes(attributes: Json) -> None:
    assert predicate(None)({key: attribute(value) for key, value in attributes.items()})


def eq(key: str = "a", value: object = "x") -> Json:
    return {"type": "eq", "key": key, "value": value}


def both(*filters: Json) -> Json:
    return {"type": "and", "filters": list(filters)}


def nested(depth: int) -> Json:
    return both(nested(depth - 1)) if depth else eq()


@pytest.mark.parametrize(
    ("filter", "path", "kind"),
    [
        ({"type": "eq", "value": "x"}, "filters.key", "missing"),
        ({"type": "eq", "key": "a"}, "filters.value", "missing"),
        (both(eq(), {"type": "gt", "key": "a"}), "filters.filters[1].value", "missing"),
        (both(), "filters.filters", "empty"),
        (both(eq(), both()), "filters.filters[1].filters", "empty"),
        (eq() | {"filters": [eq()]}, "filters.filters", "unknown"),
        (both(eq()) | {"key": "a"}, "filters.key", "unknown"),
        (both(eq()) | {"value": 1}, "filters.value", "unknown"),
        (eq(value=["x"]), "filters.value", "type"),
        (both({"type": "in", "key": "a", "value": "x"}), "filters.filters[0].value", "type"),
        ({"type": "gt", "key": "a", "value": True}, "filters.value", "type"),
        ({"type": "lt", "key": "a", "value": [1]}, "filters.value", "type"),
        (eq(value=float("nan")), "filters.value", "value"),
        ({"type": "in", "key": "a", "value": [1, float("inf")]}, "filters.value[1]", "value"),
        (nested(DEEPEST + 1), f"filters{'.filters[0]' * DEEPEST}", "value"),
        (both(*(both(*[eq()] * 60) for _ in range(4))), "filters", "value"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(filter: Json, path: str, kind: str) -> None:
    with pytest.raises(BadFilter) as caught:
        predicate(filter_of(filter))
    assert (caught.value.path, caught.value.kind) == (path, kind)


def test_limits_that_are_reached() -> None:
    assert predicate(filter_of(nested(DEEPEST)))({"a": attribute("x")})
    assert predicate(filter_of(both(*[eq()] * (MOST // 2), both(*[eq()] * (MOST // 2)))))(
        {"a": attribute("x")}
    )


def test_a_value_that_says_nothing() -> None:
    built = pb.SearchFilter(type=TYPES["eq"], key="a", value=pb.SearchFilterValue())
    with pytest.raises(BadFilter) as caught:
        predicate(built)
    assert caught.value.path == "filters.value"
    built = pb.SearchFilter(type=TYPES["in"], key="a")
    built.value.list.values.add()
    with pytest.raises(BadFilter) as caught:
        predicate(built)
    assert caught.value.path == "filters.value[0]"
