"""The shape of a refused request in the tables of this folder, and how tables are made from each other."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

INVALID = "invalid_request_error"

STREAMED = re.compile(r"/threads/runs|/threads/[^/]+/runs(/[^/]+/submit_tool_outputs)?")
"""The operations whose body may ask for a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and the error that answers it. Ids are written as ``<assistant>``; see ``World``."""

    row: str
    """Of the catalogue."""
    method: str = "POST"
    path: str
    body: Any = None
    status: int = 400
    message: str
    type: str = INVALID
    param: str | None = None
    code: str | None = None
    note: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.row, self.method, self.path, self.param, self.note]))


def with_streams(cases: Iterable[Case]) -> Iterator[Case]:
    """Each case, and once more as a streamed request where there is such a thing."""
    for case in cases:
        yield case
        streams = case.method == "POST" and STREAMED.fullmatch(case.path)
        if streams and isinstance(case.body, dict) and "stream" not in case.body:
            yield replace(case, body={**case.body, "stream": True}, note=f"{case.note} streamed")


def put(body: Any, path: str, value: Any) -> Any:
    """A copy of the body with a value at a path like ``thread.messages[0].role``, made on the way."""
    result = copy.deepcopy(body)
    keys = [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", path)]
    node = result
    for key, following in itertools.pairwise(keys):
        _make(node, key, [] if isinstance(following, int) else {})
        node = node[key]
    _make(node, keys[-1], value)
    node[keys[-1]] = value
    return result


def _make(node: Any, key: str | int, value: Any) -> None:
    if isinstance(key, str):
        node.setdefault(key, value)
    elif key == len(node):
        node.append(value)


def missing(param: str) -> dict[str, Any]:
    return {
        "row": "missing required",
        "message": f"Missing required parameter: '{param}'.",
        "param": param,
        "code": "missing_required_parameter",
    }


def unknown(param: str) -> dict[str, Any]:
    return {
        "row": "unknown param",
        "message": f"Unknown parameter: '{param}'.",
        "param": param,
        "code": "unknown_parameter",
    }


def mistyped(param: str, expected: str, got: str) -> dict[str, Any]:
    return {
        "row": "wrong type",
        "message": f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        "param": param,
        "code": "invalid_type",
    }


def bad_word(param: str, word: str, supported: str) -> dict[str, Any]:
    return {
        "row": "bad enum",
        "message": f"Invalid value: '{word}'. Supported values are: {supported}.",
        "param": param,
        "code": "invalid_value",
    }


def too_long(param: str, maximum: int, length: int) -> dict[str, Any]:
    return {
        "row": "string too long",
        "message": f"Invalid '{param}': string too long. Expected a string with maximum length "
        f"{maximum}, but got a string with length {length} instead.",
        "param": param,
        "code": "string_above_max_length",
    }


def too_many(param: str, maximum: int, length: int) -> dict[str, Any]:
    return {
        "row": "array too long",
        "message": f"Invalid '{param}': array too long. Expected an array with maximum length "
        f"{maximum}, but got an array with length {length} instead.",
        "param": param,
        "code": "array_above_max_length",
    }


def out_of_range(param: str, kind: str, side: str, bound: str, value: str) -> dict[str, Any]:
    """``side`` is ``above`` or ``below``."""
    extreme, sign, short = {"above": ("maximum", "<=", "max"), "below": ("minimum", ">=", "min")}[
        side
    ]
    return {
        "row": "number range",
        "message": f"Invalid '{param}': {kind} {side} {extreme} value. Expected a value {sign} "
        f"{bound}, but got {value} instead.",
        "param": param,
        "code": f"{kind}_{side}_{short}_value",
    }
