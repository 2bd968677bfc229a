"""Setting one field of a message from its JSON value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.message import Message

from understudy_edge.codec import words
from understudy_edge.codec.plan import Kind, Member, Plans
from understudy_edge.codec.read import read_string, reader
from understudy_edge.codec.shapes import nouns_of, types_of
from understudy_edge.codec.words import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RawField:
    """A `raw_json` field of a message that is being made; its text is filled in at the end."""

    message: Message
    name: str
    path: Path
    value: dict[str, Any]


Raws: TypeAlias = list[RawField]
Decode: TypeAlias = Callable[[Message, Any, Path, Raws], None]


def compile_member(member: Member, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    """What sets one field from its JSON value. Null is refused unless it is a value of the field."""
    decode = _single(member, decoders) if member.single else _several(member, plans, decoders)
    if type(None) in types_of(member, plans):
        return decode
    return _not_null(decode, words.one_of(nouns_of(member, plans)))


def _single(member: Member, decoders: Mapping[str, Decode]) -> Decode:
    if member.message is not None:
        return _child(member.name, member.message, decoders)
    if member.kind is Kind.RAW:
        return _raw(member.name)
    if member.kind is Kind.EMPTY:
        return _empty(member.name)
    return _scalar(member)


def _several(member: Member, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    if member.keyed:
        return _messages_by_key(member, decoders) if member.message else _scalars_by_key(member)
    expected = words.one_of(nouns_of(member, plans))
    return _messages(member, expected, decoders) if member.message else _scalars(member, expected)


def _not_null(apply: Decode, expected: str) -> Decode:
    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        if value is None:
            raise words.mistyped(path, expected, value)
        apply(message, value, path, raws)

    return decode


def _scalar(member: Member) -> Decode:
    name, read = member.name, reader(member)

    def decode(message: Message, value: Any, path: Path, _raws: Raws) -> None:
        setattr(message, name, read(value, path))

    return decode


def _raw(name: str) -> Decode:
    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        if type(value) is not dict:
            raise words.mistyped(path, "an object", value)
        raws.append(RawField(message=message, name=name, path=path, value=value))

    return decode


def _empty(name: str) -> Decode:
    def decode(message: Message, value: Any, path: Path, _raws: Raws) -> None:
        if type(value) is not dict:
            raise words.mistyped(path, "an object", value)
        for key in value:
            raise words.unknown((path, key))
        getattr(message, name).SetInParent()

    return decode


def _child(name: str, child: str, decoders: Mapping[str, Decode]) -> Decode:
    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        decoders[child](inner, value, path, raws)

    return decode


def _scalars(member: Member, expected: str) -> Decode:
    name, read = member.name, reader(member)

    def decode(message: Message, value: Any, path: Path, _raws: Raws) -> None:
        if type(value) is not list:
            raise words.mistyped(path, expected, value)
        getattr(message, name).extend([read(item, (path, i)) for i, item in enumerate(value)])

    return decode


def _messages(member: Member, expected: str, decoders: Mapping[str, Decode]) -> Decode:
    name, child = member.name, member.message or ""

    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        if type(value) is not list:
            raise words.mistyped(path, expected, value)
        fill, items = decoders[child], getattr(message, name)
        for i, item in enumerate(value):
            fill(items.add(), item, (path, i), raws)

    return decode


def _scalars_by_key(member: Member) -> Decode:
    name, read = member.name, reader(member)

    def decode(message: Message, value: Any, path: Path, _raws: Raws) -> None:
        if type(value) is not dict:
            raise words.mistyped(path, "an object", value)
        entries = getattr(message, name)
        for key, item in value.items():
            place = (path, key)
            entries[read_string(key, place)] = read(item, place)

    return decode


def _messages_by_key(member: Member, decoders: Mapping[str, Decode]) -> Decode:
    name, child = member.name, member.message or ""

    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        if type(value) is not dict:
            raise words.mistyped(path, "an object", value)
        fill, entries = decoders[child], getattr(message, name)
        for key, item in value.items():
            place = (path, key)
            fill(entries[read_string(key, place)], item, place, raws)

    return decode
