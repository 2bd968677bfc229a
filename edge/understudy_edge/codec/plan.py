"""What the dialect knows about a message: its members in the order of emission, with kinds and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor

from understudy.wire.v1.wire_pb2 import FieldWire


class DialectError(Exception):
    """The options of a message or a field contradict each other; the process must not start."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


class Kind(StrEnum):
    """What one value is, apart from being repeated or a map's value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ENUM = "enum"
    RAW = "raw"
    NULL = "null"
    EMPTY = "empty"
    MESSAGE = "message"


SCALARS = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.ENUM})
OBJECTS = frozenset({Kind.RAW, Kind.EMPTY, Kind.MESSAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One field; its key in JSON is its name.

    `kind` is that of an item where the field is `repeated`, and that of a value where it is a map (`keyed`).
    """

    name: str
    kind: Kind
    options: FieldWire
    presence: bool
    repeated: bool = False
    keyed: bool = False
    # ENUM: the wire words by number, in the order of declaration, without zero.
    words: Mapping[int, str] | None = None
    # INTEGER: the least and the greatest value of the type.
    span: tuple[int, int] | None = None
    # MESSAGE: its full name.
    message: str | None = None

    @property
    def required(self) -> bool:
        return self.options.required

    @property
    def nullable(self) -> bool:
        """Whether a request may say null and mean nothing by it."""
        return not (self.options.required or self.options.not_null)

    @property
    def single(self) -> bool:
        return not (self.repeated or self.keyed)

    @property
    def in_body(self) -> bool:
        """Whether it is part of the JSON at all."""
        return not self.options.query

    @property
    def echo(self) -> bytes | None:
        return self.options.echo.encode() or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """A oneof. Without a `tag` it is the union of an inline message, or one of events."""

    name: str
    branches: tuple[Member, ...]
    tag: str | None = None
    tag_before: str | None = None

    def tagged(self, *, inline: bool) -> tuple[Member, ...]:
        """The branches that the tag names: in an inline message those that are objects, else all."""
        if self.tag is None:
            return ()
        return tuple(b for b in self.branches if not inline or b.kind in OBJECTS)


Entry: TypeAlias = Member | Union


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePlan:
    """One message: `entries` in the order in which they are emitted."""

    descriptor: Descriptor
    entries: tuple[Entry, ...]
    # The value of the `object` key, if it has one.
    object: str | None = None
    # Written as its only entry.
    inline: bool = False
    # It has an `update_mask`, which is no entry.
    masked: bool = False

    @property
    def name(self) -> str:
        """The full name, such as `understudy.v1.Run`."""
        return self.descriptor.full_name

    @property
    def members(self) -> tuple[Member, ...]:
        """All fields, those of unions included, in the order of emission."""
        found: list[Member] = []
        for entry in self.entries:
            found.extend(entry.branches if isinstance(entry, Union) else (entry,))
        return tuple(found)

    @property
    def unions(self) -> tuple[Union, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Union))


Plans: TypeAlias = Mapping[str, MessagePlan]
