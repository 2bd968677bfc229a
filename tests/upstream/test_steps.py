"""Each step's JSON form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.steps import (
    Call,
    Drop,
    Echo,
    Error,
    Fail,
    Finish,
    Gate,
    Quirks,
    Raw,
    Reason,
    Refuse,
    Report,
    Say,
    Stall,
    Step,
    Tokens,
    parse_scripts,
)


@pytest.mark.parametrize(
    ("form", "step"),
    [
        ({"say": "Hello you two"}, Say("Hello", " you", " two")),
        ({"say": ["Hel", "lo"]}, Say("Hel", "lo")),
        ({"echo": True}, Echo()),
        ({"tokens": 3, "every": 0.5}, Tokens(3, 0.5)),
        ({"refuse": "No"}, Refuse("No")),
        ({"call": "f"}, Call("f")),
        ({"call": "f", "arguments": {"a": 1}, "id": "c"}, Call("f", '{"a": 1}', "c")),
        ({"call": "f", "arguments": "{"}, Call("f", "{")),
        ({"reason": "gAAA"}, Reason("gAAA")),
        ({"finish": "length"}, Finish("length")),
        ({"usage": None}, Report(None)),
        ({"usage": [1, 2]}, Report((1, 2, 0, 0))),
        ({"usage": [1, 2, 3, 4]}, Report((1, 2, 3, 4))),
        ({"gate": "g"}, Gate("g")),
        ({"stall": True}, Stall()),
        ({"drop": True}, Drop()),
        ({"raw": "x"}, Raw("x")),
        ({"error": "c", "message": "m", "failed": True}, Error("c", "m", failed=True)),
        ({"fail": 429, "retry_after": 1, "times": 2}, Fail(429, retry_after=1, times=2)),
        ({"quirks": ["crlf"]}, Quirks("crlf")),
    ],
)
def test_one_step(form: dict[str, Any], step: Step) -> None:
    assert parse_scripts([form]) == ((step,),)
    assert parse_scripts([[form], [form]]) == ((step,), (step,))


@pytest.mark.parametrize("wrong", [{"say": "x"}, "say", [{"shout": "x"}]])
def test_not_a_script(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"script|step"):
        parse_scripts(wrong)
