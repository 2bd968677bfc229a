"""From messages to values that orjson can write.

Each message has a template with its keys in the order of emission and with what they hold while their field is
unset. Encoding copies it and overwrites what `ListFields` gives: one call for all set fields costs less than
asking for each, and most fields of a run are unset most of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from understudy_edge.codec.plan import Kind, Member, MessagePlan, Plans, Union
from understudy_edge.codec.values import UNSET, Encode, value_encoder

_Find: TypeAlias = Callable[[str], Encode]
# By field: its key, what encodes its value, and the key of the tag that names it.
_Table: TypeAlias = dict[FieldDescriptor, tuple[str, Encode | None, str | None]]

_ZEROS: dict[Kind, Any] = {
    Kind.STRING: "",
    Kind.INTEGER: 0,
    Kind.NUMBER: 0.0,
    Kind.BOOLEAN: False,
}


def compile_encoders(plans: Plans) -> dict[str, Encode]:
    """By full name, what turns a message into a JSON value, or UNSET where it is inline and nothing is set."""
    # The tables are filled afterwards, so that messages may contain each other.
    tables: dict[str, _Table] = {name: {} for name, plan in plans.items() if not plan.inline}
    encoders = {name: _braces(_template(plans[name]), table) for name, table in tables.items()}

    def find(name: str) -> Encode:
        if name not in encoders:
            encoders[name] = _inline(plans[name], find)
        return encoders[name]

    for name, plan in plans.items():
        if plan.inline:
            find(name)
        else:
            tables[name].update(_table(plan, find))
    return encoders


def compile_events(plan: MessagePlan, find: _Find) -> dict[str, tuple[str, Encode | None]]:
    """By the name of a branch: the name of its SSE event, and what encodes its payload."""
    return {
        branch.name: (branch.options.event, value_encoder(branch, find))
        for branch in plan.members
        if branch.options.event
    }


def _braces(template: dict[str, Any], table: _Table) -> Encode:
    droppable = tuple(key for key, value in template.items() if value is UNSET)

    def encode(message: Message) -> dict[str, Any]:
        out = template.copy()
        for field, value in message.ListFields():
            key, convert, tag = table[field]
            if tag is not None:
                out[tag] = key
            encoded = value if convert is None else convert(value)
            if encoded is not UNSET:
                out[key] = encoded
        for key in droppable:
            if out[key] is UNSET:
                del out[key]
        return out

    return encode


def _template(plan: MessagePlan) -> dict[str, Any]:
    """The keys of a message with braces; those that are left out while unset hold UNSET."""
    template: dict[str, Any] = {}
    if plan.object and all(member.name != "id" for member in plan.members):
        template["object"] = plan.object
    early = {union.tag_before: union.tag for union in plan.unions if union.tag_before}
    for entry in plan.entries:
        if tag := early.get(entry.name):
            template[tag] = UNSET
        if isinstance(entry, Member):
            if entry.in_body:
                template[entry.name] = _while_unset(entry)
        else:
            # A tag that came early keeps its place.
            keys = [entry.tag] if entry.tag else []
            template.update(dict.fromkeys([*keys, *(b.name for b in entry.branches)], UNSET))
        if plan.object and entry.name == "id":
            template["object"] = plan.object
    return _trimmed(template, plan)


def _trimmed(template: dict[str, Any], plan: MessagePlan) -> dict[str, Any]:
    """Without the UNSET keys at its end: what is set comes in the order of field numbers, so that they are
    appended in their order when that is the order of declaration as well.
    """
    numbers = [field.number for field in plan.descriptor.fields]
    early = {union.tag for union in plan.unions if union.tag_before}
    while numbers == sorted(numbers) and template:
        key, value = template.popitem()
        if value is not UNSET or key in early:
            template[key] = value
            break
    return template


def _while_unset(member: Member) -> Any:
    if member.echo is not None:
        return orjson.Fragment(member.echo)
    if member.options.null_when_unset:
        return None
    if member.repeated:
        return []
    if member.keyed:
        return {}
    return UNSET if member.presence else _ZEROS.get(member.kind, UNSET)


def _table(plan: MessagePlan, find: _Find) -> _Table:
    tags = {
        branch.name: union.tag
        for union in plan.unions
        for branch in union.tagged(inline=plan.inline)
    }
    fields = plan.descriptor.fields_by_name
    table: _Table = {
        fields[member.name]: (
            member.name,
            # A branch without fields is only its tag.
            _nothing
            if member.kind is Kind.EMPTY and member.name in tags
            else value_encoder(member, find),
            tags.get(member.name),
        )
        for member in plan.members
        if member.in_body
    }
    # An update mask and what comes in the query are no part of the JSON.
    for field in plan.descriptor.fields:
        table.setdefault(field, (field.name, _nothing, None))
    return table


def _inline(plan: MessagePlan, find: _Find) -> Encode:
    (entry,) = plan.entries
    table = _table(plan, find)
    unset = UNSET if isinstance(entry, Union) else _while_unset(entry)

    def encode(message: Message) -> Any:
        for field, value in message.ListFields():
            key, convert, tag = table[field]
            encoded = value if convert is None else convert(value)
            if tag is None:
                return encoded
            return {tag: key} if encoded is UNSET else {tag: key, key: encoded}
        return unset

    return encode


def _nothing(_value: Any) -> Any:
    return UNSET
