"""Contradictory options, each of which must stop the start and name its place."""

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    text_format,
)
from google.protobuf.descriptor import Descriptor

from understudy_edge.codec import Codec, DialectError

F = "understudy.wire.v1.field"
O = "understudy.wire.v1.oneof"  # noqa: E741 - it stands for the oneof beside F and M
M = "understudy.wire.v1.message"


def message(text: str, extra: str = "") -> Descriptor:
    """The message `t.A` of the given DescriptorProto text; `extra` is more of the file."""
    file = text_format.Parse(
        f'name: "t.proto" package: "t" syntax: "proto3" message_type {{ name: "A" {text} }} {extra} '
        'dependency: "google/protobuf/empty.proto" dependency: "google/protobuf/struct.proto" '
        'dependency: "google/protobuf/field_mask.proto"',
        descriptor_pb2.FileDescriptorProto(),
    )
    pool = descriptor_pool.DescriptorPool()
    for known in (empty_pb2, struct_pb2, field_mask_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("t.A")


def field(
    name: str,
    number: int,
    options: str = "",
    *,
    type_: str = "TYPE_STRING",
    label: str = "OPTIONAL",
    oneof: int | None = None,
    of: str = "",
) -> str:
    in_oneof = "" if oneof is None else f"oneof_index: {oneof}"
    of = of and f'type_name: "{of}"'
    return (
        f'field {{ name: "{name}" number: {number} type: {type_} label: LABEL_{label} {in_oneof} {of} '
        f"options {{ [{F}] {{ {options} }} }} }}"
    )


def optional(name: str, options: str, *, type_: str = "TYPE_STRING", of: str = "") -> str:
    """A field with presence, alone in its message."""
    made = field(name, 1, options, type_=type_, oneof=0, of=of).replace(
        "number:", "proto3_optional: true number:"
    )
    return f'{made} oneof_decl {{ name: "_{name}" }}'


def oneof(name: str, options: str = "") -> str:
    return f'oneof_decl {{ name: "{name}" options {{ [{O}] {{ {options} }} }} }}'


def options(text: str) -> str:
    return f"options {{ [{M}] {{ {text} }} }}"


def enum(*values: str) -> str:
    members = " ".join(f'value {{ name: "{name}" number: {i} }}' for i, name in enumerate(values))
    return f'enum_type {{ name: "E" {members} }}'


INLINE = options("inline: true")
TWO = field("a", 1) + field("b", 2)
NULL = ".google.protobuf.NullValue"

TABLE: list[tuple[str, str, str]] = [
    (TWO + INLINE, "t.A: an inline message has exactly one member", ""),
    (INLINE, "t.A: an inline message has exactly one member", ""),
    (
        field("a", 1) + options('inline: true object: "x"'),
        "t.A: an inline message has no place",
        "",
    ),
    (
        field("a", 1, type_="TYPE_MESSAGE", of=".t.A", label="REPEATED") + INLINE,
        "t.A.a: an inline message cannot contain itself",
        "",
    ),
    (
        field("a", 1, oneof=0)
        + field("b", 2, type_="TYPE_ENUM", of=".t.E", oneof=0)
        + oneof("u")
        + INLINE,
        "t.A.b: another branch has the same JSON type",
        enum("E_UNSPECIFIED", "E_X"),
    ),
    (
        field("a", 1, type_="TYPE_INT32", oneof=0)
        + field("b", 2, type_="TYPE_DOUBLE", oneof=0)
        + oneof("u")
        + INLINE,
        "t.A.b: another branch has the same JSON type",
        "",
    ),
    (
        field("a", 1, type_="TYPE_MESSAGE", of=".google.protobuf.Empty", oneof=0)
        + field("b", 2, "raw_json: true", type_="TYPE_BYTES", oneof=0)
        + oneof("u")
        + INLINE,
        "t.A.b: another branch has the same JSON type",
        "",
    ),
    (field("a", 1, oneof=0) + oneof("u"), "t.A.u: needs a tag, unless", ""),
    (
        field("a", 1, oneof=0) + field("b", 2) + oneof("u", 'tag: "b"'),
        "two members have the key 'b'",
        "",
    ),
    (field("object", 1) + options('object: "x"'), "two members have the key 'object'", ""),
    (
        field("a", 1, oneof=0) + oneof("u", 'tag: "t" tag_before: "x"'),
        "t.A.u: tag_before needs",
        "",
    ),
    (
        field("a", 1, 'event: "x"', oneof=0) + field("b", 2, 'event: "x"', oneof=0) + oneof("u"),
        "t.A.u: events are distinct",
        "",
    ),
    (
        field("a", 1, 'event: "x"', oneof=0) + field("b", 2, oneof=0) + oneof("u"),
        "t.A.u: events are distinct",
        "",
    ),
    (field("a", 1, "raw_json: true"), "t.A.a: raw_json is for bytes fields", ""),
    (field("a", 1, type_="TYPE_BYTES"), "t.A.a: its type has no form in the dialect", ""),
    (field("a", 1, type_="TYPE_FLOAT"), "t.A.a: its type has no form in the dialect", ""),
    (
        field("a", 1, "raw_json: true", type_="TYPE_BYTES", label="REPEATED"),
        "t.A.a: a list or map of raw",
        "",
    ),
    (
        field("a", 1, type_="TYPE_MESSAGE", of=".google.protobuf.Struct"),
        "t.A.a: google.protobuf.Struct has no form",
        "",
    ),
    (
        field("mask", 1, type_="TYPE_MESSAGE", of=".google.protobuf.FieldMask"),
        "t.A.mask: google.protobuf.FieldMask has no form",
        "",
    ),
    (field("update_mask", 1), "t.A.update_mask: is the name of a google.protobuf.FieldMask", ""),
    (optional("a", 'echo: "{"', type_="TYPE_DOUBLE"), "t.A.a: its echo is not JSON", ""),
    (
        optional("a", 'echo: "true"', type_="TYPE_DOUBLE"),
        "t.A.a: its echo does not fit: .* a decimal number",
        "",
    ),
    (optional("a", 'echo: "null"'), "t.A.a: its echo does not fit", ""),
    (
        optional("a", 'echo: "\\"z\\""', type_="TYPE_ENUM", of=".t.E"),
        "t.A.a: its echo does not fit: .* Supported values are: 'x'",
        enum("E_UNSPECIFIED", "E_X"),
    ),
    (
        optional("a", 'echo: "1" null_when_unset: true'),
        "t.A.a: echo and null_when_unset exclude",
        "",
    ),
    (field("a", 1, 'echo: "1"'), "t.A.a: only a field with presence", ""),
    (
        field("a", 1, "null_when_unset: true", label="REPEATED"),
        "t.A.a: only a field with presence",
        "",
    ),
    (field("a", 1, "required: true not_null: true"), "t.A.a: required says not_null already", ""),
    (
        field("a", 1, "query: true", type_="TYPE_MESSAGE", of=".google.protobuf.Empty"),
        "t.A.a: only scalars come in the query",
        "",
    ),
    (field("a", 1, 'header: "X"', label="REPEATED"), "t.A.a: a header has one value", ""),
    (optional("a", "", type_="TYPE_ENUM", of=NULL), "t.A.a: null would mean two things", ""),
    (
        field("a", 1, type_="TYPE_ENUM", of=".t.E"),
        "t.E: needs a zero named UNSPECIFIED and distinct words",
        enum("E_NONE", "E_X"),
    ),
    (
        field("a", 1, type_="TYPE_ENUM", of=".t.E"),
        "t.E: needs a zero named UNSPECIFIED and distinct words",
        enum("E_UNSPECIFIED", "E_X", "X"),
    ),
    (
        field("a", 1, label="REPEATED", type_="TYPE_MESSAGE", of=".t.A.AEntry")
        + 'nested_type { name: "AEntry" options { map_entry: true } '
        'field { name: "key" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL } '
        'field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }',
        "t.A.a: the keys of a map must be strings",
        "",
    ),
]


@pytest.mark.parametrize(("text", "complaint", "extra"), TABLE)
def test_stops_the_start(text: str, complaint: str, extra: str) -> None:
    descriptor = message(text, extra)
    with pytest.raises(DialectError, match=complaint):
        Codec([descriptor])


def test_an_error_deep_inside_is_found_at_the_start() -> None:
    inner = f'message_type {{ name: "B" {field("b", 1, "raw_json: true")} }}'
    descriptor = message(field("a", 1, type_="TYPE_MESSAGE", of=".t.B"), inner)
    with pytest.raises(DialectError, match=r"t\.B\.b: raw_json"):
        Codec([descriptor])
