"""The limits that the contract puts on requests, compiled from its options when the server starts.

Both faces meet them here, so a value fails once and in one wording. Every message type becomes a
plan: the checks of its fields in the order of their declaration. A type without limits has an empty
plan, and a field of such a type is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import Message

from understudy.wire.v1 import wire_pb2 as wire
from understudy_server import refused_values as words
from understudy_server.rpc.limit_options import field_options, refuse_misplaced
from understudy_server.rpc.value_checks import NUMBERS, Check, join, map_check, value_check


class Limits:
    """Checks the requests of some services."""

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        """Raises ``ValueError`` for options that cannot be enforced where they stand."""
        self._plans: dict[str, list[Check]] = {}
        self._compiling: set[str] = set()
        for service in services:
            for method in service.methods:
                if method.GetOptions().Extensions[wire.method].multipart:
                    self._compile_form(method.input_type)
                else:
                    self._compile(method.input_type)

    def check(self, request: Message) -> None:
        """Raises ``InvalidRequest`` for the first field at fault, in the order of declaration.

        KeyError: a request of no service that was compiled.
        """
        for check in self._plans[request.DESCRIPTOR.full_name]:
            check(request, "")

    def _compile_form(self, message: Descriptor) -> None:
        """One message of a form: what stands in its `metadata` are fields of the form itself."""
        metadata = message.fields_by_name["metadata"].message_type
        assert metadata is not None
        fields = self._nested(metadata)

        def check(part: Any, path: str) -> None:
            if fields is not None and part.HasField("metadata"):
                fields(part.metadata, path)

        self._plans[message.full_name] = [check]

    def _compile(self, message: Descriptor) -> list[Check]:
        name = message.full_name
        if name in self._plans:
            return self._plans[name]
        plan = self._plans[name] = []
        self._compiling.add(name)
        inline = message.GetOptions().Extensions[wire.message].inline
        for field in message.fields:
            oneof = _union(field)
            if oneof is None:
                check = self._field(field, inline=inline)
            else:
                check = self._oneof(oneof, inline=inline) if field is oneof.fields[0] else None
            if check is not None:
                plan.append(check)
        self._compiling.discard(name)
        return plan

    def _nested(self, message: Descriptor) -> Check | None:
        """A check of a message as a value; None when nothing in it has a limit."""
        if message.full_name.startswith("google.protobuf."):
            return None
        plan = self._compile(message)
        # The plan of a type that contains itself is still growing here.
        if not plan and message.full_name not in self._compiling:
            return None

        def check(value: Any, path: str) -> None:
            for part in plan:
                part(value, path)

        return check

    def _value(self, field: FieldDescriptor) -> Check | None:
        if field.message_type is not None:
            return self._nested(field.message_type)
        return value_check(field, field_options(field))

    def _field(self, field: FieldDescriptor, *, inline: bool) -> Check | None:
        options = field_options(field)
        refuse_misplaced(field, options)
        if not field.is_repeated:
            return self._singular(field, options, inline=inline)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry = field.message_type.fields_by_name["value"].message_type
            value = None if entry is None else self._nested(entry)
            return _container(field, map_check(options, value), inline=inline)
        return self._repeated(field, options, inline=inline)

    def _singular(
        self, field: FieldDescriptor, options: wire.FieldWire, *, inline: bool
    ) -> Check | None:
        name, required, value = field.name, options.required, self._value(field)
        if value is None and not required:
            return None
        has_presence = field.has_presence
        # Zero is a value where unset could not be told from it, except that an enum's zero is unset.
        zero_counts = field.enum_type is None and (
            has_presence or (required and field.cpp_type in NUMBERS)
        )

        def check(message: Any, path: str) -> None:
            at = path if inline else join(path, name)
            found = getattr(message, name)
            present = not has_presence or message.HasField(name)
            if not present or not (zero_counts or found):
                if required:
                    raise words.missing(at)
            elif value is not None:
                value(found, at)

        return check

    def _repeated(
        self, field: FieldDescriptor, options: wire.FieldWire, *, inline: bool
    ) -> Check | None:
        item, maximum = self._value(field), options.max_items
        # Only an inline list can be told to be present and empty.
        must_have_one = inline and options.min_items > 0
        if item is None and not maximum and not must_have_one:
            return None

        def check(items: Any, path: str) -> None:
            count = len(items)
            if count > maximum > 0:
                raise words.array_too_long(path, maximum, count)
            if must_have_one and not count:
                raise words.empty_array(path)
            if item is not None:
                for index, value in enumerate(items):
                    item(value, f"{path}[{index}]")

        return _container(field, check, inline=inline)

    def _oneof(self, oneof: OneofDescriptor, *, inline: bool) -> Check | None:
        union, tag = oneof.name, oneof.GetOptions().Extensions[wire.oneof].tag
        values, named = {}, {}
        for field in oneof.fields:
            refuse_misplaced(field, field_options(field))
            values[field.name] = self._value(field)
            # A branch that is the value itself has no name in JSON; one with a tag is an object.
            named[field.name] = not inline or (bool(tag) and field.message_type is not None)
        must_be_set = bool(tag) or inline
        if not must_be_set and not any(values.values()):
            return None

        def check(message: Any, path: str) -> None:
            branch = message.WhichOneof(union)
            if branch is None:
                if must_be_set:
                    raise words.missing(path if inline else join(path, tag))
                return
            if (value := values[branch]) is not None:
                value(getattr(message, branch), join(path, branch) if named[branch] else path)

        return check


def _container(field: FieldDescriptor, check: Check, *, inline: bool) -> Check:
    name = field.name

    def check_container(message: Any, path: str) -> None:
        check(getattr(message, name), path if inline else join(path, name))

    return check_container


def _union(field: FieldDescriptor) -> OneofDescriptor | None:
    """The oneof of a branch; `optional` makes one behind the scenes, which is none."""
    oneof = field.containing_oneof
    return None if oneof is None or oneof.name == f"_{field.name}" else oneof
