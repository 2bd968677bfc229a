"""From the query string to fields."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from understudy_edge.codec import words
from understudy_edge.codec.plan import Kind, Member
from understudy_edge.codec.read import reader

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,2})?")
_BOOLEANS = {"true": True, "false": False}


def bind(
    message: Message,
    pairs: Iterable[tuple[str, str]],
    *,
    fields: Collection[str],
    members: Mapping[str, Member],
) -> None:
    """Sets the `fields` from pairs of name and text; other names are unknown parameters.

    A repeated field takes every pair named `name` or `name[]`; of others the last pair counts. Raises Problem.
    """
    counts: dict[str, int] = {}
    for key, text in pairs:
        name = key.removesuffix("[]")
        member = members.get(name) if name in fields else None
        if member is None or (key != name and not member.repeated):
            raise words.unknown((None, key))
        read = reader(member)
        if member.repeated:
            index = counts.get(name, 0)
            counts[name] = index + 1
            getattr(message, name).append(read(parse(member, text), ((None, name), index)))
        else:
            setattr(message, name, read(parse(member, text), (None, name)))


def parse(member: Member, text: str) -> Any:
    """The JSON value that the text stands for; the text itself where it stands for none of the right type."""
    if member.kind is Kind.BOOLEAN:
        return _BOOLEANS.get(text, text)
    if member.kind in {Kind.INTEGER, Kind.NUMBER}:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
    return text
