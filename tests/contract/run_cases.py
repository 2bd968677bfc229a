"""The catalogue's rows about what assistants and runs are made of: tools, sampling, limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.cases import (
    Case,
    bad_word,
    missing,
    mistyped,
    out_of_range,
    too_long,
    too_many,
    unknown,
)
from tests.contract.places import LONG, TOOLS, case_at


def run_cases() -> Iterator[Case]:
    yield from _tool_cases()
    yield from _sampling_cases()
    yield from _assistant_cases()
    yield from _create_cases()


def _function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **fields}}


def _tool_cases() -> Iterator[Case]:
    name, search = "tools[0].function.name", "tools[0].file_search"
    kinds = "'code_interpreter', 'function', and 'file_search'"
    options = {"type": "file_search", "file_search": {"ranking_options": {"score_threshold": 2}}}
    for path in TOOLS:
        for value, expected in (
            ([_function()] * 132, too_many("tools", 128, 132)),
            ("x", mistyped("tools", "an array of objects", "a string")),
            ([[]], mistyped("tools[0]", "an object", "an array")),
            ([{}], missing("tools[0].type")),
            ([{"type": "retrieval"}], bad_word("tools[0].type", "retrieval", kinds)),
            ([_function(), {"type": "retrieval"}], bad_word("tools[1].type", "retrieval", kinds)),
            ([{"type": None}], mistyped("tools[0].type", "a string", "null")),
            ([{"type": "function"}], missing("tools[0].function")),
            ([{"type": "function", "function": {}}], missing(name)),
            ([_function(name=5)], mistyped(name, "a string", "an integer")),
            ([_function(name=None)], mistyped(name, "a string", "null")),
            ([_function(name="n" * 65)], too_long(name, 64, 65)),
            (
                [_function(name="get weather")],
                {
                    "row": "function name pattern",
                    "message": f"Invalid '{name}': string does not match pattern. Expected a string "
                    "that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                    "param": name,
                    "code": "invalid_value",
                },
            ),
            ([_function(foo=1)], unknown("tools[0].function.foo")),
            (
                [_function(parameters=[])],
                mistyped("tools[0].function.parameters", "an object", "an array"),
            ),
            (
                [_function(strict="yes")],
                mistyped("tools[0].function.strict", "a boolean", "a string"),
            ),
            (
                [_function(description=1)],
                mistyped("tools[0].function.description", "a string", "an integer"),
            ),
            (
                [{"type": "code_interpreter", "function": {"name": "f"}}],
                unknown("tools[0].function"),
            ),
            ([{"type": "code_interpreter", "x": 1}], unknown("tools[0].x")),
            (
                [{"type": "file_search", "file_search": {"max_num_results": 51}}],
                out_of_range(f"{search}.max_num_results", "integer", "above", "50", "51"),
            ),
            (
                [{"type": "file_search", "file_search": {"max_num_results": 0}}],
                out_of_range(f"{search}.max_num_results", "integer", "below", "1", "0"),
            ),
            (
                [options],
                out_of_range(
                    f"{search}.ranking_options.score_threshold", "decimal", "above", "1", "2"
                ),
            ),
            (
                [{"type": "file_search", "file_search": {"ranking_options": {}}}],
                missing(f"{search}.ranking_options.score_threshold"),
            ),
            (
                [_function(strict=True, parameters={"type": "object", "properties": {}})],
                _schema("()"),
            ),
            (
                [
                    _function(
                        strict=True,
                        parameters={
                            "type": "object",
                            "properties": {"a": {"type": "object", "properties": {}}},
                            "additionalProperties": False,
                        },
                    )
                ],
                _schema("('properties', 'a')"),
            ),
        ):
            yield case_at(path, "tools", value, expected, str(value)[:60])


def _schema(context: str) -> dict[str, Any]:
    return {
        "row": "function schema",
        "message": f"Invalid schema for function 'f': In context={context}, 'additionalProperties' "
        "is required to be supplied and to be false.",
        "param": "tools[0].function.parameters",
        "code": "invalid_function_parameters",
    }


def _sampling_cases() -> Iterator[Case]:
    format, schema = "response_format", "response_format.json_schema"
    one = "one of an object or string"
    for path in TOOLS:
        for place, value, expected in (
            ("temperature", 3, out_of_range("temperature", "decimal", "above", "2", "3")),
            ("temperature", 2.5, out_of_range("temperature", "decimal", "above", "2", "2.5")),
            ("temperature", -1, out_of_range("temperature", "decimal", "below", "0", "-1")),
            ("temperature", "hot", mistyped("temperature", "a decimal number", "a string")),
            ("temperature", True, mistyped("temperature", "a decimal number", "a boolean")),
            ("top_p", 1.5, out_of_range("top_p", "decimal", "above", "1", "1.5")),
            ("model", 5, mistyped("model", "a string", "an integer")),
            ("model", "m" * 257, too_long("model", 256, 257)),
            (format, 5, mistyped(format, one, "an integer")),
            (format, "json", bad_word(format, "json", "'auto'")),
            (format, {}, missing(f"{format}.type")),
            (
                format,
                {"type": "xml"},
                bad_word(f"{format}.type", "xml", "'text', 'json_object', and 'json_schema'"),
            ),
            (format, {"type": "json_schema"}, missing(schema)),
            (format, {"type": "json_schema", "json_schema": {}}, missing(f"{schema}.name")),
            (
                format,
                {"type": "json_schema", "json_schema": {"name": "n", "schema": 5}},
                mistyped(f"{schema}.schema", "an object", "an integer"),
            ),
            (format, {"type": "text", "x": 1}, unknown(f"{format}.x")),
            ("instructions", ["x"], mistyped("instructions", "a string", "an array")),
            ("instructions", LONG, too_long("instructions", 256_000, 256_001)),
        ):
            yield case_at(path, place, value, expected, str(value)[:60])


def _assistant_cases() -> Iterator[Case]:
    for path in ("/assistants", "/assistants/<assistant>"):
        for place, value, expected in (
            ("name", 5, mistyped("name", "a string", "an integer")),
            ("name", 1.5, mistyped("name", "a string", "a decimal number")),
            ("name", "n" * 257, too_long("name", 256, 257)),
            ("description", "d" * 513, too_long("description", 512, 513)),
            ("file_ids", [], unknown("file_ids")),
            ("id", "asst_x", unknown("id")),
            ("created_at", 1, unknown("created_at")),
            ("assistant_id", "asst_x", unknown("assistant_id")),
            ("update_mask", "name", unknown("update_mask")),
        ):
            yield case_at(path, place, value, expected)
    yield Case(path="/assistants", body={}, **missing("model"))
    yield Case(path="/assistants", body={"model": ""}, **missing("model"), note="empty")
    for path in ("/assistants", "/assistants/<assistant>"):
        yield Case(path=path, body={"model": None}, **mistyped("model", "a string", "null"))


def _create_cases() -> Iterator[Case]:
    choice, cut = "tool_choice", "truncation_strategy"
    one = "one of an object or string"
    for path in ("/threads/<thread>/runs", "/threads/runs"):
        yield Case(path=path, body={}, **missing("assistant_id"))
        for place, value, expected in (
            ("assistant_id", 5, mistyped("assistant_id", "a string", "an integer")),
            ("assistant_id", None, mistyped("assistant_id", "a string", "null")),
            ("stream", "yes", mistyped("stream", "a boolean", "a string")),
            ("stream", 1, mistyped("stream", "a boolean", "an integer")),
            (
                "max_prompt_tokens",
                255,
                out_of_range("max_prompt_tokens", "integer", "below", "256", "255"),
            ),
            (
                "max_completion_tokens",
                0,
                out_of_range("max_completion_tokens", "integer", "below", "256", "0"),
            ),
            (
                "max_completion_tokens",
                1000.5,
                mistyped("max_completion_tokens", "an integer", "a decimal number"),
            ),
            (
                "max_completion_tokens",
                "9",
                mistyped("max_completion_tokens", "an integer", "a string"),
            ),
            (
                "parallel_tool_calls",
                "yes",
                mistyped("parallel_tool_calls", "a boolean", "a string"),
            ),
            (cut, "auto", mistyped(cut, "an object", "a string")),
            (cut, {}, missing(f"{cut}.type")),
            (
                cut,
                {"type": "first"},
                bad_word(f"{cut}.type", "first", "'auto' and 'last_messages'"),
            ),
            (
                cut,
                {"type": "last_messages", "last_messages": 0},
                out_of_range(f"{cut}.last_messages", "integer", "below", "1", "0"),
            ),
            (choice, 5, mistyped(choice, one, "an integer")),
            (choice, "maybe", bad_word(choice, "maybe", "'none', 'auto', and 'required'")),
            (
                choice,
                {"type": "tool"},
                bad_word(
                    f"{choice}.type", "tool", "'function', 'code_interpreter', and 'file_search'"
                ),
            ),
            (choice, {"type": "function"}, missing(f"{choice}.function")),
            (choice, {"type": "function", "function": {}}, missing(f"{choice}.function.name")),
            ("wait_timeout", 601, out_of_range("wait_timeout", "integer", "above", "600", "601")),
            ("thread_id", "thread_x", unknown("thread_id")),
            ("include", [], unknown("include")),
            ("foo", None, unknown("foo")),
        ):
            yield case_at(path, place, value, expected, str(value)[:60])
    yield case_at(
        "/threads/<thread>/runs",
        "reasoning_effort",
        "huge",
        bad_word(
            "reasoning_effort",
            "huge",
            "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'",
        ),
    )
    yield case_at(
        "/threads/runs", "additional_instructions", "x", unknown("additional_instructions")
    )
    yield case_at("/threads/runs", "thread", [], mistyped("thread", "an object", "an array"))
    yield case_at("/threads/runs", "thread.foo", 1, unknown("thread.foo"))
