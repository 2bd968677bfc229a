"""Which fields a Modify request writes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from google.protobuf import field_mask_pb2
from google.protobuf.message import Message as Proto

from understudy.v1 import tool_pb2
from understudy_server.errors import InvalidRequest


class ModifyRequest(Protocol):
    @property
    def update_mask(self) -> field_mask_pb2.FieldMask: ...


def written_fields(request: Proto, mask: Iterable[str], bound: frozenset[str]) -> list[str]:
    """The fields that the mask names, or without one all that are set.

    Raises ``InvalidRequest`` for a name that is no field of the request, or that places the object.
    """
    names = list(mask)
    if not names:
        names = [field.name for field, _ in request.ListFields()]
        return [name for name in names if name not in bound and name != "update_mask"]
    known = request.DESCRIPTOR.fields_by_name
    for name in names:
        if name not in known or name in bound or name == "update_mask":
            raise InvalidRequest(
                f"Unknown parameter: '{name}'.", reason="UNKNOWN_PARAMETER", param=name
            )
    return names


def write(target: Proto, request: Proto, names: Iterable[str]) -> None:
    """Copies each named field whole: maps and lists are replaced, and what is unset is cleared."""
    for name in names:
        if name == "tool_resources":
            _write_resources(target, request)
            continue
        field = request.DESCRIPTOR.fields_by_name[name]
        target.ClearField(name)
        value = getattr(request, name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            # MergeFrom, since the values of a map of messages cannot be assigned.
            getattr(target, name).MergeFrom(value)
        elif field.is_repeated:
            getattr(target, name).extend(value)
        elif field.message_type is not None:
            if request.HasField(name):
                getattr(target, name).CopyFrom(value)
        elif not field.has_presence or request.HasField(name):
            setattr(target, name, value)


def _write_resources(target: Proto, request: Proto) -> None:
    """Each tool that the request names is replaced, the others stay; null clears all."""
    if not request.HasField("tool_resources"):
        target.ClearField("tool_resources")
        return
    given: tool_pb2.ToolResources = request.tool_resources  # type: ignore[attr-defined]  # both messages have it
    kept: tool_pb2.ToolResources = target.tool_resources  # type: ignore[attr-defined]  # both messages have it
    for field, value in given.ListFields():
        getattr(kept, field.name).CopyFrom(value)
