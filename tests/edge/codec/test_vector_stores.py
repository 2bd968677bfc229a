"""Maps of values of several types, filters that contain filters, questions that are one or many."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.edge.codec.served import CODEC
from understudy.v1 import vector_store_file_pb2, vector_store_search_pb2
from understudy_edge.problems import Problem

Search = vector_store_search_pb2.SearchVectorStoreRequest
NewFile = vector_store_file_pb2.CreateVectorStoreFileRequest
ATTRIBUTES = {"author": "ada", "draft": True, "pages": 12.0, "share": 0.5}


def search(body: dict[str, Any]) -> Search:
    return CODEC.decode_body(Search, orjson.dumps(body))


def test_attributes() -> None:
    message = CODEC.decode_body(
        NewFile, orjson.dumps({"file_id": "file-1", "attributes": ATTRIBUTES})
    )
    assert message.attributes["author"].text == "ada"
    assert message.attributes["draft"].boolean is True
    assert message.attributes["pages"].number == 12
    file = vector_store_file_pb2.VectorStoreFile(id="file-1", attributes=message.attributes)
    assert CODEC.encode_value(file)["attributes"] == ATTRIBUTES
    unset = CODEC.decode_body(NewFile, b'{"file_id": "file-1", "attributes": null}')
    assert not unset.attributes


def test_a_change_of_attributes_names_them() -> None:
    modify = vector_store_file_pb2.ModifyVectorStoreFileRequest
    for body in (b'{"attributes": null}', b'{"attributes": {}}'):
        assert list(CODEC.decode_body(modify, body).update_mask.paths) == ["attributes"]


FILTERS = {
    "type": "or",
    "filters": [
        {"type": "eq", "key": "draft", "value": False},
        {
            "type": "and",
            "filters": [
                {"type": "gte", "key": "pages", "value": 3.5},
                {"type": "in", "key": "author", "value": ["ada", 1, True]},
            ],
        },
    ],
}


def test_filters() -> None:
    first, second = search({"query": "q", "filters": FILTERS}).filters.filters
    assert (first.key, first.value.boolean) == ("draft", False)
    assert first.value.WhichOneof("value") == "boolean"
    values = second.filters[1].value.list.values
    assert [value.WhichOneof("value") for value in values] == ["text", "number", "boolean"]


@pytest.mark.parametrize(
    ("query", "texts"), [("one", None), (["one"], ["one"]), (["one", "two"], ["one", "two"])]
)
def test_questions(query: Any, texts: list[str] | None) -> None:
    found = search({"query": query}).query
    if texts is None:
        assert found.text == query
    else:
        assert list(found.list.texts) == texts


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "eq", "key": "k", "value": 1}
    for _ in range(depth):
        found = {"type": "and", "filters": [found]}
    return found


_SCALAR = "one of a boolean, decimal number, or string"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing required parameter: 'query'."),
        (
            {"query": 5},
            (
                "Invalid type for 'query': expected one of an array of strings or string, "
                "but got an integer instead."
            ),
        ),
        (
            {"query": ["a", None]},
            "Invalid type for 'query[1]': expected a string, but got null instead.",
        ),
        (
            {"query": "q", "filters": {"key": "k"}},
            "Missing required parameter: 'filters.type'.",
        ),
        (
            {"query": "q", "filters": {"type": "like", "key": "k"}},
            (
                "Invalid value: 'like'. Supported values are: 'eq', 'ne', 'gt', 'gte', 'lt', 'lte', "
                "'in', 'nin', 'and', and 'or'."
            ),
        ),
        (
            {"query": "q", "filters": {"type": "and", "filters": [{"type": "eq", "value": {}}]}},
            (
                "Invalid type for 'filters.filters[0].value': expected one of an array, boolean, "
                "decimal number, or string, but got an object instead."
            ),
        ),
        (
            {"query": "q", "filters": {"type": "in", "value": [[]]}},
            f"Invalid type for 'filters.value[0]': expected {_SCALAR}, but got an array instead.",
        ),
        (
            {"query": "q", "ranking_options": {"ranker": "best"}},
            (
                "Invalid value: 'best'. Supported values are: 'none', 'auto', and "
                "'default-2024-11-15'."
            ),
        ),
        ({"query": "q", "colour": 1}, "Unknown parameter: 'colour'."),
    ],
    ids=str,
)
def test_refusals(body: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem) as raised:
        search(body)
    assert raised.value.message == message


def test_filters_nested_too_deeply() -> None:
    search({"query": "q", "filters": nested(20)})
    with pytest.raises(Problem, match="nested too deeply"):
        search({"query": "q", "filters": nested(60)})


@pytest.mark.parametrize("value", [None, [], {}])
def test_attributes_of_other_types(value: Any) -> None:
    body = {"file_id": "file-1", "attributes": {"a": value}}
    with pytest.raises(Problem, match=f"'attributes.a': expected {_SCALAR}"):
        CODEC.decode_body(NewFile, orjson.dumps(body))
