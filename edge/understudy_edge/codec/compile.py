"""From protobuf descriptors and their wire options to plans."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor

from understudy.wire.v1 import wire_pb2 as wire
from understudy_edge.codec.plan import DialectError, Entry, Kind, Member, MessagePlan, Union

UPDATE_MASK = "update_mask"
_GOOGLE = "google.protobuf."

_SCALAR_KINDS = {
    FieldDescriptor.TYPE_STRING: Kind.STRING,
    FieldDescriptor.TYPE_BOOL: Kind.BOOLEAN,
    FieldDescriptor.TYPE_DOUBLE: Kind.NUMBER,
    FieldDescriptor.TYPE_INT32: Kind.INTEGER,
    FieldDescriptor.TYPE_INT64: Kind.INTEGER,
    FieldDescriptor.TYPE_UINT32: Kind.INTEGER,
}
_SPANS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
}


def compile_plans(descriptors: Iterable[Descriptor]) -> dict[str, MessagePlan]:
    """The plans of these messages and of all that they reach, by full name. Raises DialectError."""
    plans: dict[str, MessagePlan] = {}
    waiting = list(descriptors)
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name in plans:
            continue
        plan = _message(descriptor)
        plans[descriptor.full_name] = plan
        for field in descriptor.fields:
            child = _item(field).message_type
            if child is not None and not child.full_name.startswith(_GOOGLE):
                waiting.append(child)
    return plans


def _message(descriptor: Descriptor) -> MessagePlan:
    options = descriptor.GetOptions().Extensions[wire.message]
    entries: list[Entry] = []
    masked = False
    seen: set[str] = set()
    for field in descriptor.fields:
        union = _union_of(field)
        if field.name == UPDATE_MASK:
            _require_mask(field)
            masked = True
        elif union is None:
            entries.append(_member(field))
        elif union.name not in seen:
            seen.add(union.name)
            entries.append(_union(union))
    return MessagePlan(
        descriptor=descriptor,
        entries=tuple(entries),
        object=options.object or None,
        inline=options.inline,
        masked=masked,
    )


def _require_mask(field: FieldDescriptor) -> None:
    kind = field.message_type
    if kind is None or kind.full_name != f"{_GOOGLE}FieldMask" or field.is_repeated:
        raise DialectError(field.full_name, f"is the name of a {_GOOGLE}FieldMask")


def _union_of(field: FieldDescriptor) -> OneofDescriptor | None:
    union = field.containing_oneof
    # protoc puts each `optional` field into a oneof of its own, named after it.
    if union is None or union.name == f"_{field.name}":
        return None
    return union


def _union(union: OneofDescriptor) -> Union:
    options = union.GetOptions().Extensions[wire.oneof]
    return Union(
        name=union.name,
        branches=tuple(_member(field) for field in union.fields),
        tag=options.tag or None,
        tag_before=options.tag_before or None,
    )


def _item(field: FieldDescriptor) -> FieldDescriptor:
    """The field that holds the values: for a map the one of its entries."""
    entry = _map_entry(field)
    return entry.fields_by_name["value"] if entry else field


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    entry = field.message_type
    return entry if entry is not None and entry.GetOptions().map_entry else None


def _member(field: FieldDescriptor) -> Member:
    options = field.GetOptions().Extensions[wire.field]
    entry = _map_entry(field)
    if entry and entry.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
        raise DialectError(field.full_name, "the keys of a map must be strings")
    item = _item(field)
    kind = _kind(item, raw=options.raw_json)
    child = item.message_type if kind is Kind.MESSAGE else None
    return Member(
        name=field.name,
        kind=kind,
        options=options,
        presence=field.has_presence,
        repeated=field.is_repeated and entry is None,
        keyed=entry is not None,
        words=_words(item.enum_type) if kind is Kind.ENUM and item.enum_type else None,
        span=_SPANS[item.type] if kind is Kind.INTEGER else None,
        message=child.full_name if child else None,
    )


def _kind(field: FieldDescriptor, *, raw: bool) -> Kind:
    if raw:
        if field.type != FieldDescriptor.TYPE_BYTES:
            raise DialectError(field.full_name, "raw_json is for bytes fields")
        return Kind.RAW
    if field.message_type is not None:
        name = field.message_type.full_name
        if name == f"{_GOOGLE}Empty":
            return Kind.EMPTY
        if name.startswith(_GOOGLE):
            raise DialectError(field.full_name, f"{name} has no form in the dialect")
        return Kind.MESSAGE
    if field.enum_type is not None:
        return Kind.NULL if field.enum_type.full_name == f"{_GOOGLE}NullValue" else Kind.ENUM
    if field.type not in _SCALAR_KINDS:
        raise DialectError(field.full_name, "its type has no form in the dialect")
    return _SCALAR_KINDS[field.type]


def _words(enum: EnumDescriptor) -> MappingProxyType[int, str]:
    """`RUN_STATUS_IN_PROGRESS` of `RunStatus` is `in_progress`, unless it has a name of its own."""
    zero = enum.values_by_number[0].name
    prefix = zero.removesuffix("UNSPECIFIED")
    words = {
        value.number: value.GetOptions().Extensions[wire.value].name
        or value.name.removeprefix(prefix).lower()
        for value in enum.values
        if value.number
    }
    if prefix == zero or len(set(words.values())) < len(words):
        raise DialectError(enum.full_name, "needs a zero named UNSPECIFIED and distinct words")
    return MappingProxyType(words)
