"""The demo model: what it says, which functions it calls, and that its JSON is what was asked."""

from __future__ import annotations

from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.fakes import InstantClock, ask, calls_in, collect, numbered_ids, says, text_in
from understudy_server.models.demo import DemoModel
from understudy_server.models.demo_reply import reply
from understudy_server.models.port import (
    Finished,
    Function,
    Image,
    JsonSchema,
    Message,
    ModelEvent,
    ModelRequest,
    Text,
    TextDelta,
    ToolCall,
    ToolOutput,
    Usage,
)


def answer(request: ModelRequest) -> tuple[ModelEvent, ...]:
    return reply(request, numbered_ids())


def said(*texts: str, **fields: Any) -> str:
    """What it answers to the last of the user's ``texts``."""
    return text_in(answer(ask(items=tuple(says(text) for text in texts), **fields)))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["My name is Ada.", "What is my name?"], "Your name is Ada."),
        (["I'm Ada.", "hm", "what's my name"], "Your name is Ada."),
        (["My name is Ada.", "My name is Bob", "What is my name?"], "Your name is Bob."),
        (
            ["my favourite colour is blue", "What is my Favourite Colour?"],
            "Your Favourite Colour is blue.",
        ),
        (["What is my name?"], "You have not told me your name yet."),
        (["One.", "Two!", "What did I say?"], 'You said "One.", then "Two!".'),
        (["What did I say?"], "Nothing yet: this is the first message."),
        (["What are your instructions?"], "I have none."),
    ],
)
def test_memory(texts: list[str], expected: str) -> None:
    assert said(*texts) == expected


def test_it_tells_its_instructions() -> None:
    assert said("Your instructions?", instructions="Be.") == 'My instructions say: "Be."'


def test_otherwise_it_quotes_and_counts() -> None:
    assert said("One", "Two") == (
        'You said: "Two". This is the demo model, and our thread has 2 messages so far.'
    )
    assert said().startswith("Hello!")


def test_it_sees_images() -> None:
    message = Message(role="user", parts=(Text(text="Look"), Image(url="u"), Image(url="v")))
    assert "I see 2 images." in text_in(answer(ask(items=(message,))))


WEATHER = Function(
    name="get_weather",
    parameters=orjson.dumps(
        {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
            },
            "required": ["city"],
        }
    ),
)
CLOCK = Function(name="worldClock")
PARIS = '{"city":"Paris","days":3,"unit":"kelvin"}'


@pytest.mark.parametrize(
    ("text", "fields", "calls"),
    [
        ("Call get_weather now", {}, ["get_weather"]),
        ("How is the weather?", {}, ["get_weather"]),
        ("The clock and the weather", {}, ["get_weather", "worldClock"]),
        ("The clock, the weather", {"parallel_tool_calls": False}, ["get_weather"]),
        ("Hello", {}, []),
        ("Hello", {"tool_choice": "required"}, ["get_weather"]),
        ("The clock", {"tool_choice": "required"}, ["worldClock"]),
        ("Hello", {"tool_choice": "function:worldClock"}, ["worldClock"]),
        ("How is the weather?", {"tool_choice": "none"}, []),
    ],
)
def test_which_functions_it_calls(text: str, fields: dict[str, Any], calls: list[str]) -> None:
    events = answer(ask(text, tools=(WEATHER, CLOCK), **fields))
    assert [name for _, name, _ in calls_in(events)] == calls
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == ("tool_calls" if calls else "stop")


def test_arguments_come_from_the_message() -> None:
    events = answer(ask("The weather in Paris for 3 days in kelvin", tools=(WEATHER,)))
    assert calls_in(events) == [("call_new1", "get_weather", PARIS)]


def test_after_the_outputs_it_answers_with_them() -> None:
    items = (
        says("How is the weather?"),
        ToolCall(call_id="a", name="get_weather", arguments="{}"),
        ToolOutput(call_id="a", output="sunny"),
    )
    request = ask(items=items, tools=(WEATHER,), tool_choice="required")
    assert text_in(answer(request)) == "Here is what I found: get_weather says sunny."
    again = ask(items=(*items, says("And the weather now?")), tools=(WEATHER,))
    assert len(calls_in(answer(again))) == 1


def test_json_object() -> None:
    text = text_in(answer(ask(response_format="json_object")))
    assert "Hello" in orjson.loads(text)["answer"]


WORDS = [
    *("type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "allOf"),
    *("$ref", "minItems", "minLength", "maxLength", "minimum", "exclusiveMaximum", "multipleOf"),
    *("format", "a", "object", "array", "string", "integer", "number"),
]
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}},
    {"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 2},
    {"enum": ["x", 2]},
    {"const": None},
    {"type": ["string", "null"], "minLength": 20},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date"},
    {"type": "integer", "exclusiveMinimum": 7, "maximum": 9},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": 10, "multipleOf": 4},
    {"type": "integer", "maximum": -5},
    {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"const": 1}}}]},
    {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
        "additionalProperties": False,
    },
    {
        "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}}},
        "type": "object",
        "properties": {"points": {"type": "array", "items": {"$ref": "#/$defs/point"}}},
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("text", ["Hello", 'Set "blue" to 4 and 12.5 for Ada Lovelace'])
def test_json_that_satisfies_its_schema(schema: dict[str, Any], text: str) -> None:
    wanted = JsonSchema(name="n", schema=orjson.dumps(schema))
    value = orjson.loads(text_in(answer(ask(text, response_format=wanted))))
    jsonschema.validate(value, schema)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(WORDS), ANYTHING))
def test_no_schema_breaks_it(schema: dict[str, Any]) -> None:
    try:
        wanted = JsonSchema(name="n", schema=orjson.dumps(schema))
    except TypeError:  # an integer that JSON text from orjson cannot hold
        return
    assert isinstance(answer(ask("3", response_format=wanted))[-1], Finished)


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#"}]},
        {"type": "object", "properties": {n: {"$ref": "#"} for n in "abcdefghijklmnop"}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "array", "minItems": 10**12},
        {"type": "string", "minLength": 10**12},
    ],
)
def test_bottomless_schemas_come_to_an_end(schema: dict[str, Any]) -> None:
    wanted = JsonSchema(name="n", schema=orjson.dumps(schema))
    assert isinstance(answer(ask(response_format=wanted))[-1], Finished)


def test_a_limit_cuts_it_short() -> None:
    events = answer(ask("One two three", max_output_tokens=2))
    assert events == (
        TextDelta(text="You"),
        TextDelta(text=" said:"),
        Finished(
            reason="length",
            usage=Usage(prompt_tokens=3, completion_tokens=2),
            model="demo",
        ),
    )


async def test_it_pauses_before_each_word() -> None:
    clock = InstantClock()
    model = DemoModel(clock=clock, new_call_id=numbered_ids(), pause=0.25)
    events = await collect(model.stream(ask()))
    assert tuple(events) == answer(ask())
    assert clock.slept == [0.25] * len(events)
    assert await model.list_models() == ("demo",)
    await model.close()
