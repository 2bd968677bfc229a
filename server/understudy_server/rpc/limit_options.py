"""Reading the options that carry limits, and refusing those that nothing could enforce."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor

from understudy.wire.v1 import wire_pb2 as wire
from understudy_server.rpc.value_checks import NUMBERS


def field_options(field: FieldDescriptor) -> wire.FieldWire:
    return field.GetOptions().Extensions[wire.field]


def refuse_misplaced(field: FieldDescriptor, options: wire.FieldWire) -> None:
    """Raise ``ValueError`` for a limit that would silently do nothing."""
    entry = field.message_type if field.message_type and _is_map(field) else None
    text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING and entry is None
    binary = field.type == FieldDescriptor.TYPE_BYTES
    array = field.is_repeated and entry is None
    allowed = {
        "max_length": text and not binary,
        "pattern": text and not binary,
        "raw_json": binary,
        "min": field.cpp_type in NUMBERS,
        "max": field.cpp_type in NUMBERS,
        "max_items": array,
        "min_items": array and options.min_items <= 1,
        "max_properties": entry is not None,
        "max_key_length": entry is not None,
        "max_value_length": entry is not None
        and entry.fields_by_name["value"].message_type is None,
    }
    for name, fits in allowed.items():
        if not fits and getattr(options, name):
            raise ValueError(f"{field.full_name}: {name} cannot be enforced here")


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
