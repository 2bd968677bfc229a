"""Finds the text of values inside a JSON body, so that it can be passed on byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import orjson

from understudy_edge.codec.words import Path

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_TOKEN = re.compile(rb"\s*+(" + _STRING + rb'|[{}\[\]:,]|[^\s{}\[\]:,"]++)', re.DOTALL)
# The next bracket, with all the strings and punctuation before it.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+([{}\[\]])", re.DOTALL)

# What is wanted below a value, by key or index; `...` stands for the value itself.
_Wanted = dict[Any, Any]


def spans(body: bytes, paths: Iterable[Path]) -> dict[Path, bytes]:
    """The text of the values at these paths, without the white space around it.

    `body` has been parsed before, so it is JSON; of two equal keys the last one counts. A path that is not there
    is not in the result.
    """
    wanted: _Wanted = {}
    for path in paths:
        node = wanted
        for key in _keys(path):
            node = node.setdefault(key, {})
        node[...] = path
    found: dict[Path, bytes] = {}
    _walk(body, 0, wanted, found)
    return found


def _keys(path: Path) -> list[str | int]:
    keys: list[str | int] = []
    while path is not None:
        path, key = path
        keys.append(key)
    keys.reverse()
    return keys


def _token(body: bytes, at: int) -> tuple[bytes, int]:
    match = _TOKEN.match(body, at)
    if match is None:
        raise ValueError("the body is not JSON")
    return match[1], match.end()


def _walk(body: bytes, at: int, wanted: _Wanted, found: dict[Path, bytes]) -> int:
    """Goes over the value that starts at `at`, or after the white space there; gives where it ends."""
    opening, after = _token(body, at)
    start = after - len(opening)
    inner = {key: node for key, node in wanted.items() if key is not ...}
    if not inner or opening not in {b"{", b"["}:
        end = _skip(body, start, after)
    elif opening == b"{":
        end = _walk_object(body, after, inner, found)
    else:
        end = _walk_array(body, after, inner, found)
    if ... in wanted:
        found[wanted[...]] = body[start:end]
    return end


def _walk_object(body: bytes, at: int, wanted: _Wanted, found: dict[Path, bytes]) -> int:
    token, after = _token(body, at)
    while token != b"}":
        if token == b",":
            token, after = _token(body, after)
        _colon, after = _token(body, after)
        after = _walk(body, after, wanted.get(orjson.loads(token), {}), found)
        token, after = _token(body, after)
    return after


def _walk_array(body: bytes, at: int, wanted: _Wanted, found: dict[Path, bytes]) -> int:
    token, after = _token(body, at)
    if token == b"]":
        return after
    after, index = at, 0
    while token != b"]":
        after = _walk(body, after, wanted.get(index, {}), found)
        token, after = _token(body, after)
        index += 1
    return after


def _skip(body: bytes, start: int, after: int) -> int:
    if body[start : start + 1] not in {b"{", b"["}:
        return after
    depth = 0
    for match in _BRACKET.finditer(body, start):
        depth += 1 if match[1] in {b"{", b"["} else -1
        if not depth:
            return match.end()
    raise ValueError("the body is not JSON")
