"""Forms' fields, which are all text, as the values that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import assistant_pb2, file_pb2
from understudy_edge.codec import Codec
from understudy_edge.problems import Problem

NewFile = file_pb2.NewFile
CODEC = Codec([NewFile.DESCRIPTOR, assistant_pb2.CreateAssistantRequest.DESCRIPTOR])


def test_brackets_are_members() -> None:
    pairs = [
        ("expires_after[seconds]", "3600"),
        ("purpose", "user_data"),
        ("expires_after[anchor]", "created_at"),
    ]
    value = CODEC.form_value(NewFile, pairs)
    assert value == {
        "expires_after": {"seconds": 3600, "anchor": "created_at"},
        "purpose": "user_data",
    }
    message = CODEC.decode(NewFile, value | {"filename": "a"})
    assert message.expires_after.seconds == 3600


def decoded(pairs: list[tuple[str, str]]) -> Any:
    return CODEC.decode(NewFile, CODEC.form_value(NewFile, pairs) | {"filename": "a"})


ANCHOR = ("expires_after[anchor]", "created_at")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("foo", "1")], "Unknown parameter: 'foo'."),
        ([("purpose[a]", "1")], "Unknown parameter: 'purpose.a'."),
        ([("expires_after[a]", "1")], "Unknown parameter: 'expires_after.a'."),
        ([("expires_after[seconds", "1")], "Unknown parameter: 'expires_after[seconds'."),
        ([("expires_after[]", "1")], "Unknown parameter: 'expires_after[]'."),
        ([("", "1")], "Unknown parameter: ''."),
        ([("[a]", "1")], "Unknown parameter: '[a]'."),
        ([ANCHOR, ANCHOR], "Invalid 'expires_after.anchor': given more than once."),
        (
            [ANCHOR, ("expires_after", "x")],
            "Invalid 'expires_after': given more than once.",
        ),
        (
            [("expires_after", "x"), ANCHOR],
            "Invalid 'expires_after': given more than once.",
        ),
        ([], "Missing required parameter: 'purpose'."),
        (
            [("purpose", "batch"), ANCHOR],
            "Missing required parameter: 'expires_after.seconds'.",
        ),
        (
            [ANCHOR, ("expires_after[seconds]", "soon")],
            "Invalid type for 'expires_after.seconds': expected an integer, but got a string instead.",
        ),
        (
            [ANCHOR, ("expires_after[seconds]", "1.5")],
            (
                "Invalid type for 'expires_after.seconds': expected an integer, "
                "but got a decimal number instead."
            ),
        ),
        (
            [("expires_after", '{"seconds": 1}')],
            "Invalid type for 'expires_after': expected an object, but got a string instead.",
        ),
        (
            [("purpose", "world_domination")],
            (
                "'world_domination' is not one of ['assistants', 'batch', 'fine-tune', 'vision', "
                "'user_data', 'evals'] - 'purpose'"
            ),
        ),
    ],
)
def test_refusals(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(Problem) as raised:
        decoded(pairs)
    assert raised.value.message == message


@pytest.mark.parametrize("name", ["tools", "tools[0]", "metadata[a]", "response_format[type]"])
def test_what_has_no_form_in_a_form_is_unknown(name: str) -> None:
    with pytest.raises(Problem, match="Unknown parameter"):
        CODEC.form_value(assistant_pb2.CreateAssistantRequest, [(name, "1")])
