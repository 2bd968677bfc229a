"""The catalogue's rows about fields, at every place where the same field may stand."""

from __future__ import annotations

from collections.abc import Iterator

from tests.contract.cases import (
    Case,
    bad_word,
    missing,
    mistyped,
    put,
    too_long,
    too_many,
    unknown,
)
from tests.contract.places import BODIES, LONG, MESSAGE, MESSAGES, METADATA, case_at
from tests.contract.run_cases import run_cases


def field_cases() -> Iterator[Case]:
    yield from _metadata_cases()
    yield from _message_cases()
    yield from run_cases()
    yield from _resource_cases()
    yield from _body_cases()


def _metadata_cases() -> Iterator[Case]:
    for path, at in METADATA:
        yield case_at(
            path,
            at,
            {f"k{number}": "v" for number in range(17)},
            {
                "row": "metadata keys",
                "message": f"Invalid '{at}': too many properties. Expected an object with at most "
                "16 properties, but got an object with 17 properties instead.",
                "param": at,
                "code": "object_above_max_properties",
            },
        )
        key = "k" * 65
        yield case_at(
            path,
            at,
            {key: "v"},
            {
                "row": "metadata key too long",
                "message": f"Invalid property name in '{at}': '{key}' is too long. Expected a "
                "string with maximum length 64, but got a string with length 65 instead.",
                "param": f"{at}.{key}",
                "code": "property_name_above_max_length",
            },
        )
        long = too_long(f"{at}.k", 512, 600) | {"row": "metadata value too long"}
        yield case_at(path, at, {"k": "é" * 600}, long)
        for value, noun in (
            (1, "an integer"),
            (1.5, "a decimal number"),
            (None, "null"),
            ({}, "an object"),
            ([], "an array"),
            (True, "a boolean"),
        ):
            wrong = mistyped(f"{at}.k", "a string", noun) | {"row": "metadata value not string"}
            yield case_at(path, at, {"k": value}, wrong, noun)
        yield case_at(path, at, "x", mistyped(at, "an object", "a string"))
        yield case_at(path, at, [], mistyped(at, "an object", "an array"))


def _message_cases() -> Iterator[Case]:
    for path, p in MESSAGES:
        content = f"{p}content"
        part = f"{content}[0]"
        choice = "one of an array of objects or string"
        for place, value, expected in (
            (
                f"{p}role",
                "robot",
                bad_word(f"{p}role", "robot", "'user', 'assistant', and 'system'"),
            ),
            (f"{p}role", "", bad_word(f"{p}role", "", "'user', 'assistant', and 'system'")),
            (f"{p}role", None, mistyped(f"{p}role", "a string", "null")),
            (content, 5, mistyped(content, choice, "an integer")),
            (content, None, mistyped(content, choice, "null")),
            (content, {}, mistyped(content, choice, "an object")),
            (content, LONG, too_long(content, 256_000, 256_001)),
            (
                content,
                [],
                {
                    "row": "array empty",
                    "message": f"Invalid '{content}': empty array. Expected an array with minimum "
                    "length 1, but got an empty array instead.",
                    "param": content,
                    "code": "empty_array",
                },
            ),
            (content, ["x"], mistyped(part, "an object", "a string")),
            (content, [{}], missing(f"{part}.type")),
            (content, [{"type": 1}], mistyped(f"{part}.type", "a string", "an integer")),
            (
                content,
                [{"type": "video"}],
                bad_word(f"{part}.type", "video", "'text', 'image_file', and 'image_url'"),
            ),
            (content, [{"type": "text"}], missing(f"{part}.text")),
            (
                content,
                [{"type": "text", "text": 5}],
                mistyped(f"{part}.text", "a string", "an integer"),
            ),
            (
                content,
                [{"type": "text", "text": {"value": "x"}}],
                mistyped(f"{part}.text", "a string", "an object"),
            ),
            (
                content,
                [{"type": "text", "text": LONG}],
                too_long(f"{part}.text", 256_000, 256_001),
            ),
            (
                content,
                [{"type": "text", "text": "x", "annotations": []}],
                unknown(f"{part}.annotations"),
            ),
            (content, [{"type": "image_url"}], missing(f"{part}.image_url")),
            (content, [{"type": "image_url", "image_url": {}}], missing(f"{part}.image_url.url")),
            (
                content,
                [{"type": "image_url", "image_url": "http://x"}],
                mistyped(f"{part}.image_url", "an object", "a string"),
            ),
            (
                content,
                [{"type": "image_url", "image_url": {"url": "http://x/y.png", "detail": "max"}}],
                bad_word(f"{part}.image_url.detail", "max", "'auto', 'low', and 'high'"),
            ),
            (
                content,
                [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": 5}}],
                mistyped(f"{content}[1].image_url.url", "a string", "an integer"),
            ),
            (
                f"{p}attachments",
                {},
                mistyped(f"{p}attachments", "an array of objects", "an object"),
            ),
            (
                f"{p}attachments",
                [{"file_id": "file-x", "tools": [{"type": "function"}]}],
                bad_word(
                    f"{p}attachments[0].tools[0].type",
                    "function",
                    "'code_interpreter' and 'file_search'",
                ),
            ),
            (
                f"{p}attachments",
                [{"file_id": "file-x", "tools": []}],
                {
                    "row": "unknown file ids",
                    "status": 404,
                    "message": "The following files were not found: file-x",
                    "param": f"{p}attachments[0].file_id",
                },
            ),
            (f"{p}file_ids", [], unknown(f"{p}file_ids")),
        ):
            yield case_at(path, place, value, expected, str(value)[:40])
        for field in ("role", "content"):
            rest = {name: value for name, value in MESSAGE.items() if name != field}
            body = put(BODIES[path], p[:-1], rest) if p else rest
            yield Case(path=path, body=body, **missing(f"{p}{field}"))


def _resource_cases() -> Iterator[Case]:
    for path, p in (
        ("/assistants", ""),
        ("/assistants/<assistant>", ""),
        ("/threads", ""),
        ("/threads/<thread>", ""),
        ("/threads/runs", ""),
        ("/threads/runs", "thread."),
    ):
        at = f"{p}tool_resources"
        files, stores = f"{at}.code_interpreter.file_ids", f"{at}.file_search.vector_store_ids"
        for place, value, expected in (
            (files, ["file-x"] * 21, too_many(files, 20, 21)),
            (files, "file-x", mistyped(files, "an array of strings", "a string")),
            (files, [5], mistyped(f"{files}[0]", "a string", "an integer")),
            (stores, ["vs_a", "vs_b"], too_many(stores, 1, 2)),
            (f"{at}.browser", {}, unknown(f"{at}.browser")),
            (
                files,
                ["file-x", "file-y"],
                {
                    "row": "unknown file ids",
                    "status": 404,
                    "message": "The following files were not found: file-x, file-y",
                    "param": f"{files}[0]",
                },
            ),
            (
                stores,
                ["vs_absent"],
                {
                    "row": "vector store referenced",
                    "status": 404,
                    "message": "Vector store with id [vs_absent] not found.",
                    "param": f"{stores}[0]",
                },
            ),
        ):
            yield case_at(path, place, value, expected, str(value)[:40])


def _body_cases() -> Iterator[Case]:
    for path in BODIES:
        for body, noun in (
            ([], "an array"),
            ("x", "a string"),
            (5, "an integer"),
            (True, "a boolean"),
        ):
            yield Case(
                row="wrong type",
                path=path,
                body=body,
                message=f"Invalid type: expected an object, but got {noun} instead.",
                code="invalid_type",
                note=noun,
            )
        yield case_at(path, "foo", 1, unknown("foo"))
