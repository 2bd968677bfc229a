"""Records and logs as items of a container, and back. Pure.

    record   id r.KIND.ID         kind, key, place, commit, body (base64), all, list, dirs, due; ``version`` only
                                  after a check: the etag that the record had before it
    log      id l.LOG             end, generation, last: where a log ends; ``dropped`` when entries of an earlier
                                  generation are left to sweep
    entries  id e.LOG....         log, entries: what one commit appended

The property ``pk`` is the partition key of them all.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from understudy_server.store.cosmos import names
from understudy_server.store.port import (
    LOG_START,
    Append,
    Entry,
    EventId,
    Partition,
    Position,
    Put,
    Record,
    Version,
)

Item: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a log ends, as some item said. ``last`` is ``LOG_START`` while the log is dropped."""

    etag: str
    generation: str
    last: EventId
    dropped: str | None
    """When it was dropped, while entries of earlier generations may be left."""


def of_put(partition: Partition, put: Put, commit: str) -> Item:
    position = names.place(Position(put.order, put.id))
    start = names.listing(partition, None)[1]
    item: dict[str, Any] = {
        "id": names.record_id(put.kind, put.id),
        "pk": names.partition_key(partition),
        "project": partition.project,
        "partition": partition.name,
        "kind": put.kind,
        "key": put.id,
        "order": names.number(put.order),
        "commit": commit,
        "body": b64encode(put.body).decode(),
        "all": start + position,
        "list": names.listing(partition, put.kind)[1] + position,
    }
    if put.due is not None:
        item["due"] = names.number(put.due)
    if put.labels:
        item["labels"] = sorted(set(put.labels))
        item["dirs"] = {
            names.label_property(label): names.directory(partition.project, put.kind, label)
            + position
            for label in put.labels
        }
    return item


def record(item: Item) -> Record:
    return Record(
        partition=Partition(item["project"], item["partition"]),
        kind=item["kind"],
        id=item["key"],
        order=int(item["order"], 16),
        version=version(item),
        commit=item["commit"],
        body=b64decode(item["body"]),
        due=int(item["due"], 16) if "due" in item else None,
    )


def version(item: Item) -> Version:
    """The etag of the put; a check changes the etag, and keeps the former one as a property."""
    found: str = item.get("version") or item["_etag"]
    return found


def of_append(partition: Partition, append: Append, generation: str) -> Item:
    last = append.entries[-1].last
    return {
        "id": names.entries_id(append.log, generation, last),
        "pk": names.partition_key(partition),
        "log": names.log_start(partition, append.log, generation) + names.event(last),
        "entries": [
            [str(entry.first), str(entry.last), b64encode(entry.body).decode()]
            for entry in append.entries
        ],
    }


def of_end(
    partition: Partition, log: str, generation: str, last: EventId, dropped: str | None = None
) -> Item:
    """``dropped``: when the last drop was, as ``names.number``; kept until nothing is left of it."""
    item = {
        "id": names.log_id(log),
        "pk": names.partition_key(partition),
        "project": partition.project,
        "partition": partition.name,
        "name": log,
        "end": names.log_start(partition, log),
        "generation": generation,
        "last": str(last),
    }
    return item if dropped is None else {**item, "dropped": dropped}


def end(item: Item) -> End:
    return End(
        etag=item["_etag"],
        generation=item["generation"],
        last=_event_id(item["last"]),
        dropped=item.get("dropped"),
    )


def entries(items: Sequence[Item], after: EventId, limit: int) -> Sequence[Entry]:
    found = [
        Entry(first=_event_id(first), last=_event_id(last), body=b64decode(body))
        for item in items
        for first, last, body in item["entries"]
    ]
    return [entry for entry in found if entry.last > after][:limit]


def is_alive(found: End) -> bool:
    return found.last > LOG_START


def _event_id(text: str) -> EventId:
    attempt, n = text.split("-")
    return EventId(int(attempt), int(n))
