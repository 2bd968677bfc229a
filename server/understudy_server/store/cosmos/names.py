"""Ids of items, partition keys, and the sort keys that are indexed. Pure.

Cosmos DB forbids some characters in ids and keeps numbers as doubles, so everything here is ASCII text. A sort key
begins with the whole address of its listing and stands in one property, so each listing is one range of one index,
whatever else the container holds, and no composite index is needed:

    all      PARTITION|ORDER ID              every record of a partition
    list     PARTITION|KIND|ORDER ID         those of one kind
    dirs     PROJECT|KIND|LABEL|ORDER ID     one property for each label of a record
    due      DUE
    log      PARTITION|LOG|GENERATION|LAST   what was appended, by its last event
    end      PARTITION|LOG|                  where a log ends

Numbers are 16 hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import re

from understudy_server.store.port import EventId, Partition, Position

LONGEST = 250
"""Characters of one part of an id; Cosmos DB takes 1,023 bytes in all, and 2,048 in a partition key."""

_ODD = re.compile(rb"[^A-Za-z0-9_/-]")
_ODD_IN_ID = re.compile(rb"[^A-Za-z0-9_-]")
_OUTSIDE = re.compile(rb"[\x00-\x2f\x7b-\xff]")

_AFTER_NUMBERS = "g"
"""Sorts behind every hexadecimal digit."""

AFTER_ALL = "\x7f"
"""Sorts behind everything that is in a sort key."""


def partition_key(partition: Partition) -> str:
    return f"{_short(_ODD, partition.project)}:{_short(_ODD, partition.name)}"


def record_id(kind: str, id: str) -> str:
    return f"r.{_short(_ODD_IN_ID, kind)}.{_short(_ODD_IN_ID, id)}"


def log_id(log: str) -> str:
    """Of the item that knows where a log ends."""
    return f"l.{_short(_ODD_IN_ID, log)}"


def entries_id(log: str, generation: str, last: EventId) -> str:
    return f"e.{_short(_ODD_IN_ID, log)}.{generation}.{event(last)}"


def number(value: int) -> str:
    return f"{value:016x}"


def event(id: EventId) -> str:
    return number(id.attempt) + number(id.n)


def place(position: Position) -> str:
    """Sorts as positions do, as text of ASCII characters without ``|``."""
    return number(position.order) + _sortable(position.id)


def listing(partition: Partition, kind: str | None) -> tuple[str, str]:
    """The property of a listing, and what its keys begin with."""
    start = f"{partition_key(partition)}|"
    return ("all", start) if kind is None else ("list", f"{start}{_short(_ODD, kind)}|")


def label_property(label: str) -> str:
    return _short(_ODD_IN_ID, f"l{label}").replace("-", "~2d")


def directory(project: str, kind: str, label: str) -> str:
    """What the keys of a directory begin with."""
    return "|".join(_short(_ODD, text) for text in (project, kind, label)) + "|"


def log_start(partition: Partition, log: str, generation: str = "") -> str:
    start = f"{partition_key(partition)}|{_short(_ODD, log)}|"
    return f"{start}{generation}|" if generation else start


def after_partition(partition_key: str) -> str:
    """Behind every key of a listing of that partition, and before those of others."""
    return f"{partition_key}|{AFTER_ALL}"


def bounds(start: str, low: Position | None, high: Position | None) -> tuple[str, str]:
    """The keys strictly between which a page of a listing lies."""
    return (
        start + (place(low) if low else ""),
        start + (place(high) if high else _AFTER_NUMBERS),
    )


def _short(odd: re.Pattern[bytes], text: str) -> str:
    """The text with its odd characters escaped, or a digest of it where that gets too long."""
    escaped = odd.sub(lambda found: b"~%02x" % found[0][0], text.encode()).decode()
    if len(escaped) <= LONGEST:
        return escaped
    return "~~" + hashlib.sha256(text.encode()).hexdigest()


def _sortable(text: str) -> str:
    """Escaped so that the order of the bytes is kept: ``!`` sorts below what stays, ``~`` above."""

    def escape(found: re.Match[bytes]) -> bytes:
        byte = found[0][0]
        return (b"!%02x" if byte < 0x30 else b"~%02x") % byte

    return _OUTSIDE.sub(escape, text.encode()).decode()
