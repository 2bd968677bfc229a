"""The comments of the contract's reasons say what core and edge answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy.v1.error_pb2 import Reason
from understudy_edge.errors import ANSWERS
from understudy_server.rpc.errors import RULES

CONTRACT = Path(__file__).parents[3] / "proto/understudy/v1/error.proto"
FIRST_OF_OTHERS = 30
"""Reasons below it are those of an invalid request, which carries its reason itself."""

CODES = {rule.reason: rule.code.name for rule in RULES.values() if rule.reason is not None}


def documented() -> Iterator[tuple[str, str]]:
    """Each reason with its comment, below that of its section."""
    body = CONTRACT.read_text(encoding="utf-8").partition("enum Reason {")[2].partition("\n}")[0]
    section, comment = "", ""
    for line in map(str.strip, body.splitlines()):
        if line.startswith("//"):
            comment += f" {line[2:].strip()}"
        elif not line:
            section, comment = comment or section, ""
        elif found := re.match(r"(REASON_\w+) = \d+;", line):
            yield found[1], f"{section} | {comment}"
            comment = ""


def said(comment: str, face: str) -> list[str]:
    """What is said of one face, of the reason itself where that says something."""
    section, _, own = comment.partition("|")
    for words in (own, section):
        if found := re.findall(rf"{face}: ([A-Z0-9_, ]+)", words):
            return re.findall(r"[A-Z_]{2,}|\d+", found[0])
    return []


ALL = {name: comment for name, comment in documented() if name != "REASON_UNSPECIFIED"}


def test_every_reason_has_its_section() -> None:
    assert set(ALL) == set(Reason.keys()) - {"REASON_UNSPECIFIED"}


@pytest.mark.parametrize("name", ALL)
def test_the_comment_of_a_reason_is_true(name: str) -> None:
    comment, number = ALL[name], Reason.Value(name)
    assert str(ANSWERS[name.removeprefix("REASON_")].status) in said(comment, "REST")
    if "(REST only)" in comment:
        assert number not in CODES
        return
    default = "INVALID_ARGUMENT" if number < FIRST_OF_OTHERS else ""
    assert CODES.get(number, default) in said(comment, "gRPC")
