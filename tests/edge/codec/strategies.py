"""Any message that the dialect can say, made from its plan.

Left out is what has no JSON of its own: a union without a branch, an enum that is zero, a NullValue that is set
where null also means unset, a field with an echo or a repeated raw text that is unset. Those are in the tables.
"""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from tests.edge.codec.served import CODEC
from understudy_edge.codec import Kind, Member, MessagePlan, Union

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
RAW = st.builds(
    orjson.dumps,
    st.dictionaries(TEXT, JSON, max_size=3),
    st.sampled_from([None, orjson.OPT_INDENT_2]),
)
_SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.STRING: TEXT,
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    Kind.BOOLEAN: st.booleans(),
    Kind.RAW: RAW,
    Kind.NULL: st.just(0),
}


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor) -> Message:
    """A message of the type, filled at random."""
    message = GetMessageClass(descriptor)()
    plan = CODEC.plan(descriptor)
    for entry in plan.entries:
        if isinstance(entry, Union):
            _set(draw, message, draw(st.sampled_from(entry.branches)))
        elif _told_apart(entry) or draw(st.booleans()):
            _set(draw, message, entry)
    return message


def _told_apart(member: Member) -> bool:
    """Whether unset cannot be told from a value, so that the field must be set to come back."""
    enum = member.kind is Kind.ENUM and not member.presence and member.single
    return member.required or member.echo is not None or enum


def _set(draw: st.DrawFn, message: Any, member: Member) -> None:
    if not member.in_body or (member.kind is Kind.NULL and member.options.null_when_unset):
        return
    target = getattr(message, member.name)
    if member.repeated and member.message:
        for _ in range(draw(st.integers(0, 2))):
            target.add().CopyFrom(draw(_child(member)))
    elif member.repeated:
        target.extend(draw(st.lists(_scalar(member), max_size=2)))
    elif member.keyed:
        for key in draw(st.lists(TEXT, max_size=2)):
            if member.message:
                target[key].CopyFrom(draw(_child(member)))
            else:
                target[key] = draw(_scalar(member))
    elif member.message:
        target.CopyFrom(draw(_child(member)))
        target.SetInParent()
    elif member.kind is Kind.EMPTY:
        target.SetInParent()
    else:
        setattr(message, member.name, draw(_scalar(member)))


def _child(member: Member) -> st.SearchStrategy[Message]:
    assert member.message
    return messages(CODEC.plan_of(member.message).descriptor)


def _scalar(member: Member) -> st.SearchStrategy[Any]:
    if member.words is not None:
        return st.sampled_from(list(member.words))
    if member.span is not None:
        return st.integers(*member.span)
    return _SCALARS[member.kind]


@st.composite
def almost(draw: st.DrawFn, plan: MessagePlan, depth: int = 3) -> Any:
    """JSON that resembles the message, with right and wrong keys and values: it reaches far into a decoder."""
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    keys = {member.name: member for member in plan.members}
    value: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from([*keys, "type", "x"]), max_size=4)):
        member = keys.get(name)
        if member is None or member.message is None:
            value[name] = draw(JSON | st.sampled_from([*keys, "auto"]))
        elif member.repeated:
            value[name] = draw(
                st.lists(almost(CODEC.plan_of(member.message), depth - 1), max_size=2)
            )
        else:
            value[name] = draw(almost(CODEC.plan_of(member.message), depth - 1))
    return value
