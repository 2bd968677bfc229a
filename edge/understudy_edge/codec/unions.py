"""Choosing the branch of a oneof: by its tag, or by the type of the JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from understudy_edge.codec import words
from understudy_edge.codec.fields import Decode, Raws, compile_member
from understudy_edge.codec.plan import Kind, Member, MessagePlan, Plans, Union
from understudy_edge.codec.read import read_string
from understudy_edge.codec.shapes import choices, nouns_of_message
from understudy_edge.codec.words import Path


def compile_tagged(
    union: Union, branches: tuple[Member, ...], plans: Plans, decoders: Mapping[str, Decode]
) -> Decode:
    """Sets the branch that the tag names. Looks only at the union's keys."""
    tag = union.tag or ""
    table = {branch.name: _branch(branch, plans, decoders) for branch in branches}

    def decode(message: Message, value: dict[str, Any], path: Path, raws: Raws) -> None:
        if tag not in value:
            raise words.missing((path, tag))
        word = read_string(value[tag], (path, tag))
        if word not in table:
            raise words.unsupported((path, tag), word, table)
        for name in table:
            if name != word and value.get(name) is not None:
                raise words.unknown((path, name))
        table[word](message, value, path, raws)

    return decode


def _branch(branch: Member, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    """Sets one branch from the object that carries its tag."""
    name = branch.name
    apply = compile_member(branch, plans, decoders)
    bare = branch.kind is Kind.EMPTY
    optional = _may_be_empty(branch, plans)

    def decode(message: Message, value: dict[str, Any], path: Path, raws: Raws) -> None:
        if bare:
            if value.get(name) is not None:
                raise words.unknown((path, name))
            getattr(message, name).SetInParent()
        elif optional and value.get(name) is None:
            getattr(message, name).SetInParent()
        elif name not in value:
            raise words.missing((path, name))
        else:
            apply(message, value[name], (path, name), raws)

    return decode


def _may_be_empty(branch: Member, plans: Plans) -> bool:
    """Whether the tag alone says enough: `{}` would be taken as well."""
    if branch.message is None:
        return False
    plan = plans[branch.message]
    return not (
        plan.inline or any(m.required for m in plan.members) or any(u.tag for u in plan.unions)
    )


def compile_choice(
    plan: MessagePlan, union: Union, plans: Plans, decoders: Mapping[str, Decode]
) -> Decode:
    """The whole value of an inline message whose member is a union."""
    expected = words.one_of(nouns_of_message(plan, plans))
    table = {
        json_type: _object(union, plans, decoders)
        if isinstance(choice, Union)
        else compile_member(choice, plans, decoders)
        for json_type, choice in choices(plan, union, plans).items()
    }

    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        apply = table.get(type(value))
        if apply is None:
            raise words.mistyped(path, expected, value)
        apply(message, value, path, raws)

    return decode


def _object(union: Union, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    """An inline union's object: the tag, the branch, and nothing else."""
    branches = union.tagged(inline=True)
    keys = {union.tag, *(branch.name for branch in branches)}
    apply = compile_tagged(union, branches, plans, decoders)

    def decode(message: Message, value: dict[str, Any], path: Path, raws: Raws) -> None:
        apply(message, value, path, raws)
        for name in value:
            if name not in keys:
                raise words.unknown((path, name))

    return decode
