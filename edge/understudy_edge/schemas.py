"""JSON schemas of messages, from the same plans that the codec walks.

Requests and responses differ: a request may leave out and say null, is closed and has limits; a
response has every key that is always emitted, and may gain keys in later versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from understudy_edge.codec import Kind, Member, Union

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from understudy_edge.codec import Codec, MessagePlan

Schema: TypeAlias = "dict[str, Any]"

_NULL: Final[Schema] = {"type": "null"}
_TYPES: Final[Mapping[Kind, Schema]] = {
    Kind.STRING: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.RAW: {"type": "object"},
    Kind.EMPTY: {"type": "object"},
    Kind.NULL: _NULL,
}
_SHOWN_WHILE_ZERO: Final = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN})


def reachable(codec: Codec, names: Collection[str]) -> frozenset[str]:
    """The full names of these messages and of all that they contain."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [m.message for m in codec.plan_of(name).members if m.message]
    return frozenset(found)


class Schemas:
    """Schemas of one direction. Those of messages are components, each made once."""

    def __init__(self, codec: Codec, *, is_request: bool, suffixed: frozenset[str]) -> None:
        """``suffixed``: messages whose plain names belong to the other direction."""
        self._codec = codec
        self._is_request = is_request
        self._suffixed = suffixed
        self.components: dict[str, Schema] = {}

    def reference(self, message: str) -> Schema:
        """To the component of the message with this full name."""
        name = message.rpartition(".")[2] + ("Param" if message in self._suffixed else "")
        if name not in self.components:
            # Taken before it is made: messages may contain themselves.
            self.components[name] = {}
            self.components[name] |= self.of_message(self._codec.plan_of(message))
        return {"$ref": f"#/components/schemas/{name}"}

    def of_message(self, plan: MessagePlan, *, without: frozenset[str] = frozenset()) -> Schema:
        """``without``: fields that are no part of the JSON here."""
        if plan.inline:
            (entry,) = plan.entries
            if isinstance(entry, Member):
                return self.of_member(entry)
            return {"anyOf": list(self._choices(entry))}
        members = [e for e in plan.entries if isinstance(e, Member) and e.name not in without]
        variants = [self._object(plan, members, tagged) for tagged in _variants(plan)]
        return variants[0] if len(variants) == 1 else {"oneOf": variants}

    def of_present(self, member: Member) -> Schema:
        """The value of a field that is not null."""
        schema = self._value(member)
        if member.repeated:
            return {"type": "array", "items": schema} | self._size_limits(member)
        if member.keyed:
            schema = {"type": "object", "additionalProperties": schema}
            return schema | self._size_limits(member)
        return schema

    def of_member(self, member: Member) -> Schema:
        """The value of a field, a null that is allowed included."""
        schema = self.of_present(member)
        nullable = member.nullable if self._is_request else member.options.null_when_unset
        if nullable and schema != _NULL:
            schema = {"anyOf": [schema, _NULL]}
        if self._is_request and member.echo is not None:
            schema = schema | {"default": orjson.loads(member.echo)}
        return schema

    def _object(self, plan: MessagePlan, members: list[Member], tagged: _Tagged) -> Schema:
        properties: dict[str, Schema] = {}
        if plan.object and not self._is_request:
            properties["object"] = {"const": plan.object}
        required = list(properties)
        for member in members:
            properties[member.name] = self.of_member(member)
            if member.required if self._is_request else _is_always_shown(member):
                required.append(member.name)
        for tag, branch in tagged:
            properties[tag] = {"const": branch.name}
            required.append(tag)
            if branch.kind is not Kind.EMPTY:
                properties[branch.name] = self.of_member(branch)
                if not self._is_request or not self._may_be_left_out(branch):
                    required.append(branch.name)
                    properties[branch.name] = self._value(branch)
        schema: Schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if self._is_request:
            schema["additionalProperties"] = False
        return schema

    def _choices(self, union: Union) -> Iterator[Schema]:
        tagged = union.tagged(inline=True)
        for branch in union.branches:
            if branch not in tagged:
                yield self._value(branch)
            else:
                schema: Schema = {
                    "type": "object",
                    "properties": {union.tag: {"const": branch.name}},
                    "required": [union.tag],
                }
                if branch.kind is not Kind.EMPTY:
                    schema["properties"][branch.name] = self._value(branch)
                    schema["required"].append(branch.name)
                if self._is_request:
                    schema["additionalProperties"] = False
                yield schema

    def _value(self, member: Member) -> Schema:
        """One value of the field's type: an item of a list, a value of a map."""
        if member.message is not None:
            return self.reference(member.message)
        if member.words is not None:
            return {"type": "string", "enum": list(member.words.values())}
        return _TYPES[member.kind] | self._value_limits(member)

    def _size_limits(self, member: Member) -> Schema:
        """Of a list or a map as a whole."""
        if not self._is_request:
            return {}
        options = member.options
        if member.repeated:
            return _set(maxItems=options.max_items, minItems=options.min_items)
        names = _set(maxLength=options.max_key_length)
        return _set(maxProperties=options.max_properties, propertyNames=names)

    def _value_limits(self, member: Member) -> Schema:
        if not self._is_request:
            return {}
        options = member.options
        longest = options.max_length or options.max_value_length
        limits = _set(maxLength=longest, pattern=options.pattern)
        number = int if member.kind is Kind.INTEGER else float
        if options.HasField("min"):
            limits["minimum"] = number(options.min)
        if options.HasField("max"):
            limits["maximum"] = number(options.max)
        return limits

    def _may_be_left_out(self, branch: Member) -> bool:
        """Whether the tag alone says enough, since nothing in the branch is required."""
        if branch.message is None:
            return False
        plan = self._codec.plan_of(branch.message)
        return not (plan.inline or plan.unions or any(m.required for m in plan.members))


def _set(**keywords: int | str | Schema) -> Schema:
    """Those that are not zero or empty, which options mean by unset."""
    return {name: value for name, value in keywords.items() if value}


_Tagged: TypeAlias = "tuple[tuple[str, Member], ...]"


def _variants(plan: MessagePlan) -> list[_Tagged]:
    """Every combination of the branches that tags can name; without tags the empty one."""
    variants: list[_Tagged] = [()]
    for union in plan.unions:
        branches = [(union.tag or "", branch) for branch in union.tagged(inline=False)]
        variants = [(*variant, branch) for variant in variants for branch in branches]
    return variants


def _is_always_shown(member: Member) -> bool:
    if member.echo is not None or member.options.null_when_unset:
        return True
    return not member.single or (not member.presence and member.kind in _SHOWN_WHILE_ZERO)
