"""Random protobuf messages, by descriptor."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.fuzz.values import TEXTS

_DEEPEST = 6
_NUMBERS: dict[int, Sequence[Any]] = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, -1, 5, 100, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_INT64: (0, 1, -1, 3600, 2**53, 2**63 - 1, -(2**63)),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: (0.0, 0.5, -1.0, 1e308, float("nan"), float("inf"), -0.0),
    FieldDescriptor.CPPTYPE_FLOAT: (0.0, 0.5, float("nan")),
}
_BYTES = (b"", b"{}", b"text", b"\x00\xff", b"[1,2", b"x" * 5_000)


class Messages:
    """``ids``: what text fields may refer to; it may grow."""

    def __init__(self, source: random.Random, ids: list[str]) -> None:
        self._source = source
        self._ids = ids

    def draw(self, descriptor: Descriptor, depth: int = 0) -> Message:
        message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self._source.random() < (0.4 if depth else 0.25):
                continue
            self._fill(message, field, depth)
        return message

    def _fill(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            self._fill_map(message, field, depth)
        elif field.is_repeated:
            held = getattr(message, field.name)
            for _ in range(self._source.choice((0, 1, 1, 2, 5))):
                if entry is not None and depth < _DEEPEST:
                    held.append(self.draw(entry, depth + 1))
                elif entry is None:
                    held.append(self._value(field))
        elif entry is not None:
            if depth < _DEEPEST:
                getattr(message, field.name).CopyFrom(self.draw(entry, depth + 1))
        else:
            setattr(message, field.name, self._value(field))

    def _fill_map(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        assert field.message_type is not None
        value = field.message_type.fields_by_name["value"]
        held = getattr(message, field.name)
        for _ in range(self._source.choice((0, 1, 3, 20))):
            key = self._source.choice(TEXTS)
            if value.message_type is not None:
                held[key].CopyFrom(self.draw(value.message_type, depth + 1))
            else:
                held[key] = self._value(value)

    def _value(self, field: FieldDescriptor) -> Any:
        if field.cpp_type in _NUMBERS:
            return self._source.choice(_NUMBERS[field.cpp_type])
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return self._source.random() < 0.5
        if field.enum_type is not None:
            numbers = [value.number for value in field.enum_type.values]
            return self._source.choice([*numbers, 99])
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._source.choice(_BYTES)
        if self._ids and self._source.random() < 0.6:
            return self._source.choice(self._ids)
        return self._source.choice(TEXTS)
