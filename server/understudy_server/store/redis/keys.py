"""Names of Redis keys, and members of its sorted sets. Pure.

A partition belongs to one of 256 buckets; the bucket's name in braces is the hash tag of every key of the
partition, so that on a Cluster one script reaches all of them. Sorted sets have score 0 and sort by bytes:

    position        order as 16 hexadecimal digits, id, terminator
    list member     position                      in  {tag}:list:PROJECT:NAME:KIND
    all member      position, kind                in  {tag}:all:PROJECT:NAME
    directory       position, partition's name    in  {tag}:dir:PROJECT:KIND:LABEL
    due member      due as 16 hexadecimal digits, address     in  {tag}:due
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote_to_bytes

from understudy_server.store.port import Partition, Position, Put

BUCKETS = 256

_END = b"\0\0"
"""After a text in a member; a zero byte of the text itself becomes ``00 01``, which keeps the order."""

_AFTER_END = b"\xff"
"""Sorts behind every text: UTF-8 never has this byte."""


class Names:
    """The keys of one deployment; ``prefix`` lets several share a server."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def tag(self, bucket: int) -> str:
        return f"{{{self._prefix}:{bucket:02x}}}"

    def record(self, partition: Partition, kind: str, id: str) -> str:
        return f"{self.records(partition)}{_join(kind, id)}"

    def records(self, partition: Partition) -> str:
        """What the names of the partition's records begin with."""
        return self._name(partition, "record", *partition) + ":"

    def log(self, partition: Partition, log: str) -> str:
        return self._name(partition, "log", *partition, log)

    def listing(self, partition: Partition, kind: str | None) -> str:
        if kind is None:
            return self._name(partition, "all", *partition)
        return self._name(partition, "list", *partition, kind)

    def due(self, bucket: int) -> str:
        return f"{self.tag(bucket)}:due"

    def directory(self, bucket: int, project: str, kind: str, label: str) -> str:
        return f"{self.tag(bucket)}:dir:{_join(project, kind, label)}"

    def channel(self) -> str:
        """Where every commit is announced."""
        return f"{self._prefix}:commits"

    def ping(self) -> str:
        return f"{self.tag(0)}:ping"

    def indexes(self, partition: Partition, put: Put) -> Iterator[tuple[str, bytes]]:
        """Every sorted set in which a record stands, and its member there."""
        bucket = bucket_of(partition)
        position = position_key(Position(put.order, put.id))
        yield self.listing(partition, put.kind), position
        yield self.listing(partition, None), position + _text(put.kind)
        for label in sorted(set(put.labels)):
            name = self.directory(bucket, partition.project, put.kind, label)
            yield name, position + _text(partition.name)
        if put.due is not None:
            yield self.due(bucket), _number(put.due) + address(partition, put.kind, put.id)

    def pattern(self, room: str) -> str:
        """For SCAN: the names of every bucket's room."""
        prefix = re.sub(r"([\\*?\[\]^-])", r"\\\1", self._prefix)
        return f"{{{prefix}:??}}:{room}:*"

    def parse(self, room: str, name: bytes) -> list[str]:
        """The texts in the name of a key that ``pattern(room)`` found."""
        return _split(name[len(self.tag(0)) + len(room) + 2 :])

    def _name(self, partition: Partition, room: str, *texts: str) -> str:
        return f"{self.tag(bucket_of(partition))}:{room}:{_join(*texts)}"


def bucket_of(partition: Partition) -> int:
    return zlib.crc32(packed(*partition)) % BUCKETS


def position_key(position: Position) -> bytes:
    return _number(position.order) + _text(position.id)


def lowest(low: Position | None) -> bytes:
    """The bound above every member at ``low``."""
    return b"-" if low is None else b"(" + position_key(low) + _AFTER_END


def highest(high: Position | None) -> bytes:
    """The bound below every member at ``high``."""
    return b"+" if high is None else b"(" + position_key(high)


def due_until(now: int) -> bytes:
    """The bound above what is due at ``now``."""
    return b"(" + _number(now + 1)


def address(partition: Partition, kind: str, id: str) -> bytes:
    return packed(*partition, kind, id)


def parse_address(member: bytes) -> tuple[Partition, str, str]:
    """Of a due member."""
    project, name, kind, id = unpacked(member[16:])
    return Partition(project, name), kind, id


def parse_place(member: bytes) -> tuple[str, str]:
    """The id and the partition's name of a directory member."""
    id, name = unpacked(member[16:])
    return id, name


def packed(*texts: str) -> bytes:
    """Texts as bytes that sort as the texts do, the first one first."""
    return b"".join(_text(text) for text in texts)


def unpacked(data: bytes) -> list[str]:
    texts = data.split(_END)
    return [text.replace(b"\0\1", b"\0").decode() for text in texts[:-1]]


def _text(text: str) -> bytes:
    return text.encode().replace(b"\0", b"\0\1") + _END


def _number(number: int) -> bytes:
    return b"%016x" % number


def labels_of(indexes: Sequence[bytes]) -> tuple[str, ...]:
    """The labels of a record by the names and members of the sorted sets in which it stands."""
    names = (name.partition(b"}:dir:")[2] for name in indexes[::2])
    return tuple(sorted({_split(name)[2] for name in names if name}))


def quoted(text: str) -> str:
    """A text without a colon, so that no two lists of texts have one name."""
    return quote(text, safe="/")


def _join(*texts: str) -> str:
    return ":".join(quoted(text) for text in texts)


def _split(name: bytes) -> list[str]:
    return [unquote_to_bytes(text).decode() for text in name.split(b":")]
