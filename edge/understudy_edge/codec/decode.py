"""From parsed JSON to messages. One closure for each key, walked as the JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from understudy_edge.codec import words
from understudy_edge.codec.fields import Decode, Raws, compile_member
from understudy_edge.codec.plan import Member, MessagePlan, Plans
from understudy_edge.codec.read import read_string
from understudy_edge.codec.shapes import types_of
from understudy_edge.codec.unions import compile_choice, compile_tagged
from understudy_edge.codec.words import Path

# Messages that contain themselves could be nested until a stack ends; protobuf's parsers end at a hundred.
_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What to do with one key of an object."""

    apply: Decode
    # Whether null is looked at, rather than taken for leaving the key out.
    sees_null: bool


def compile_decoders(plans: Plans) -> dict[str, Decode]:
    """By full name, what fills a new message from a JSON value. It raises Problem."""
    # Closures look each other up when they run, so that messages may contain each other.
    decoders: dict[str, Decode] = {}
    for name, plan in plans.items():
        decoders[name] = (
            _inline(plan, plans, decoders) if plan.inline else _braces(plan, plans, decoders)
        )
    return decoders


def _inline(plan: MessagePlan, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    (entry,) = plan.entries
    if isinstance(entry, Member):
        return compile_member(entry, plans, decoders)
    return compile_choice(plan, entry, plans, decoders)


def _braces(plan: MessagePlan, plans: Plans, decoders: Mapping[str, Decode]) -> Decode:
    keys = _keys(plan, plans, decoders)
    unions = [
        compile_tagged(u, u.tagged(inline=False), plans, decoders) for u in plan.unions if u.tag
    ]
    required = [member.name for member in plan.members if member.required and member.name in keys]
    deep = _contains_itself(plan, plans)

    def decode(message: Message, value: Any, path: Path, raws: Raws) -> None:
        if type(value) is not dict:
            raise words.mistyped(path, "an object", value)
        if deep and words.depth(path) > _DEEPEST:
            raise words.too_deep(path)
        for union in unions:
            union(message, value, path, raws)
        for name, item in value.items():
            key = keys.get(name)
            if key is None:
                raise words.unknown((path, name))
            if item is not None or key.sees_null:
                key.apply(message, item, (path, name), raws)
        for name in required:
            if name not in value:
                raise words.missing((path, name))

    return decode


def _keys(plan: MessagePlan, plans: Plans, decoders: Mapping[str, Decode]) -> dict[str, _Key]:
    keys = {
        member.name: _Key(
            apply=compile_member(member, plans, decoders),
            sees_null=not member.nullable or _has_null(member, plans),
        )
        for member in plan.members
        if member.in_body
    }
    for union in plan.unions:
        if union.tag:
            keys.update(
                dict.fromkeys([union.tag, *(branch.name for branch in union.branches)], _SEEN_TO)
            )
    if plan.object:
        keys["object"] = _Key(apply=_constant(plan.object), sees_null=False)
    return keys


def _has_null(member: Member, plans: Plans) -> bool:
    """Whether null is one of several values, and not the only one: that could as well be left out."""
    return {type(None)} < types_of(member, plans)


def _seen_to(_message: Message, _value: Any, _path: Path, _raws: Raws) -> None:
    """The union as a whole has looked at this key."""


_SEEN_TO = _Key(apply=_seen_to, sees_null=False)


def _constant(word: str) -> Decode:
    def decode(_message: Message, value: Any, path: Path, _raws: Raws) -> None:
        if read_string(value, path) != word:
            raise words.unsupported(path, value, [word])

    return decode


def _contains_itself(plan: MessagePlan, plans: Plans) -> bool:
    waiting = [member.message for member in plan.members if member.message]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name == plan.name:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(member.message for member in plans[name].members if member.message)
    return False
