"""Signatures to schemas, and the mistakes that stop a start."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from understudy_server.tools import CallContext, function
from understudy_server.tools.definition import define
from understudy_server.tools.schema import InvalidArguments, InvalidFunction


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    city: str
    country: str | None = None


class Options(TypedDict, total=False):
    title: str


ROWS: list[tuple[Any, Any, dict[str, Any], Any, Any, Any]] = [
    # hint, default, the property's schema, a good value, how it arrives, a bad value
    (str, ..., {"type": "string"}, "x", "x", 1),
    (int, ..., {"type": "integer"}, 3, 3, "3"),
    (float, ..., {"type": "number"}, 1, 1.0, "1"),
    (bool, ..., {"type": "boolean"}, True, True, 1),
    (None, ..., {"type": "null"}, None, None, 0),
    (int, 7, {"type": "integer", "default": 7}, 3, 3, None),
    (str | None, None, {"anyOf": [{"type": "string"}, {"type": "null"}]}, None, None, 1),
    (int | str, ..., {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "3", "3", 1.5),
    (Literal["a", "b"], ..., {"enum": ["a", "b"], "type": "string"}, "a", "a", "c"),
    (list[int], ..., {"items": {"type": "integer"}, "type": "array"}, [1], [1], ["1"]),
    (
        dict[str, int],
        ...,
        {"additionalProperties": {"type": "integer"}, "type": "object"},
        {"a": 1},
        {"a": 1},
        {"a": "b"},
    ),
    (
        tuple[int, str],
        ...,
        {
            "maxItems": 2,
            "minItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "type": "array",
        },
        [1, "a"],
        (1, "a"),
        [1],
    ),
    (Unit, ..., {"$ref": "#/$defs/Unit"}, "c", Unit.CELSIUS, "k"),
    (Place, ..., {"$ref": "#/$defs/Place"}, {"city": "Rome"}, Place("Rome"), {"town": "Rome"}),
    (Options, ..., {"$ref": "#/$defs/Options"}, {"title": "x"}, {"title": "x"}, {"titel": "x"}),
    (
        datetime,
        ...,
        {"format": "date-time", "type": "string"},
        "2024-02-29T12:00:00",
        datetime(2024, 2, 29, 12),  # noqa: DTZ001  # as the model wrote it
        "tomorrow",
    ),
    (
        Annotated[int, "how many"],
        ...,
        {"type": "integer", "description": "how many"},
        3,
        3,
        "x",
    ),
    (Annotated[int, Field(ge=1)], ..., {"type": "integer", "minimum": 1}, 1, 1, 0),
    (Any, ..., {}, [1], [1], ...),
]


@pytest.mark.parametrize(("hint", "default", "schema", "good", "arrives", "bad"), ROWS)
def test_a_hint_is_a_schema_and_a_check(
    hint: Any, default: Any, schema: dict[str, Any], good: Any, arrives: Any, bad: Any
) -> None:
    def f(value: Any) -> Any:
        return value

    f.__annotations__["value"] = hint
    if default is not ...:
        f.__defaults__ = (default,)
    defined = define(f)
    shown = json.loads(defined.definition.parameters)
    assert shown["properties"]["value"] == schema
    assert shown.get("required", []) == (["value"] if default is ... else [])
    assert shown["additionalProperties"] is False
    assert defined.parse(json.dumps({"value": good})) == {"value": arrives}
    if bad is not ...:
        with pytest.raises(InvalidArguments, match="value"):
            defined.parse(json.dumps({"value": bad}))


def test_a_whole_definition() -> None:
    def weather(city: str, days: int = 1, *, unit: Annotated[Unit, "of degrees"]) -> str:
        """Tells the weather.

        Args:
            city: Where.
            days: How far ahead.
            unit: Overruled by the annotation.
        """
        return f"{city} {days} {unit}"

    shown = define(weather).definition
    assert (shown.name, shown.description) == ("weather", "Tells the weather.")
    assert json.loads(shown.parameters) == {
        "$defs": {"Unit": {"enum": ["c", "f"], "type": "string"}},
        "additionalProperties": False,
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "integer", "description": "How far ahead.", "default": 1},
            "unit": {"$ref": "#/$defs/Unit", "description": "of degrees"},
        },
        "required": ["city", "unit"],
        "type": "object",
    }


def test_what_was_left_out_stays_out() -> None:
    def f(a: int = 1, b: list[int] = []) -> None:  # noqa: B006  # the point of it
        """Nothing."""

    defined = define(f)
    assert defined.parse("") == {}
    assert defined.parse('{"b": [2]}') == {"b": [2]}


def test_injected_parameters_are_not_the_models() -> None:
    def f(a: int, call_id: str, context: CallContext, maybe: CallContext | None = None) -> None:
        """Nothing."""

    defined = define(f)
    assert list(json.loads(defined.definition.parameters)["properties"]) == ["a"]
    with pytest.raises(InvalidArguments):
        defined.parse('{"a": 1, "call_id": "call_x"}')
    context = CallContext(
        project="p", thread_id="t", run_id="r", assistant_id="a", call_id="call_1"
    )
    assert defined.injections(context) == {
        "call_id": "call_1",
        "context": context,
        "maybe": context,
    }


def test_names_that_a_model_class_would_forbid() -> None:
    def f(schema: int, _hidden: int, model_config: int, copy: int) -> None:
        """Nothing."""

    given = {"schema": 1, "_hidden": 2, "model_config": 3, "copy": 4}
    assert define(f).parse(json.dumps(given)) == given


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def test_an_explicit_schema_is_shown_as_it_is_and_checked() -> None:
    marked = function(name="f", description="d", parameters=SCHEMA)(lambda a: a)
    defined = define(marked)
    assert json.loads(defined.definition.parameters) == SCHEMA
    assert defined.definition.description == "d"
    assert defined.parse('{"a": 1}') == {"a": 1}
    with pytest.raises(InvalidArguments, match="a: 'x' is not of type 'integer'"):
        defined.parse('{"a": "x"}')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The arguments are not valid JSON"),
        ("[]", "The arguments do not fit the schema"),
        ("{}", "a"),
    ],
)
@pytest.mark.parametrize("explicit", [False, True])
def test_wrong_arguments_are_told(text: str, message: str, explicit: bool) -> None:
    def f(a: int) -> int:
        return a

    defined = define(function(parameters=SCHEMA if explicit else None)(f))
    with pytest.raises(InvalidArguments, match=message):
        defined.parse(text)


def test_of_many_mistakes_the_first_are_told() -> None:
    def f(a: list[int]) -> None:
        """Nothing."""

    with pytest.raises(InvalidArguments, match=r"a\.0: .*; and 2 more"):
        define(f).parse('{"a": ["x", "x", "x", "x", "x", "x", "x"]}')


def unhinted(a):  # type: ignore[no-untyped-def]  # noqa: ANN001  # the point of it
    return a


def callback(a: Callable[[], int]) -> None:
    """Nothing."""


def opaque(a: json.JSONDecoder) -> None:
    """Nothing."""


def undefined(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821  # the point of it
    """Nothing."""


def several(*a: int) -> None:
    """Nothing."""


def anything(**a: int) -> None:
    """Nothing."""


def positional(a: int, /) -> None:
    """Nothing."""


def generating(a: int) -> Any:
    yield a


def taking(a: int) -> None:
    """Nothing."""


def with_call_id(a: int, call_id: str) -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (unhinted, {}, "parameter 'a' has no type hint"),
        (callback, {}, "JsonSchema for core_schema.CallableSchema"),
        (opaque, {}, "JSONDecoder"),
        (undefined, {}, "signature cannot be read: name 'Nowhere' is not defined"),
        (several, {}, "parameter 'a' cannot be given by name"),
        (anything, {}, "parameter 'a' cannot be given by name"),
        (positional, {}, "parameter 'a' cannot be given by name"),
        (generating, {}, "generator"),
        (lambda: 1, {}, "'<lambda>' cannot be its name"),
        (taking, {"name": "with space"}, "'with space' cannot be its name"),
        (taking, {"timeout": 0}, "'timeout' must be above zero"),
        (taking, {"parameters": {"type": "thing"}}, "'parameters' is no JSON schema"),
        (taking, {"parameters": {"type": "string"}}, "must have"),
        (taking, {"parameters": {"type": "object", "default": {1}}}, "is no JSON schema"),
        (taking, {"parameters": {"type": "object"}}, "'a' has no default"),
        (
            taking,
            {"parameters": {"type": "object", "properties": {"a": {}, "b": {}}}},
            "'parameters' has 'b', which it does not take",
        ),
        (
            with_call_id,
            {"parameters": {"type": "object", "properties": {"call_id": {}}}},
            "'call_id' is given by the server",
        ),
    ],
)
def test_a_mistake_names_the_function(
    target: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    def fresh(*given: Any, **named: Any) -> Any:
        return target(*given, **named)

    marked = target
    if options:
        fresh.__wrapped__ = target  # type: ignore[attr-defined]  # as functools.wraps does
        fresh.__module__, fresh.__qualname__ = target.__module__, target.__qualname__
        marked = function(**options)(fresh)
    with pytest.raises(InvalidFunction, match=message) as caught:
        define(marked)
    assert str(caught.value).startswith(f"function {__name__}.")
