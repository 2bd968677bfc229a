"""A commit as one transactional batch. Pure.

What an operation becomes:

    Put      create, or replace if the etag matches
    Delete   delete if the etag matches
    Check    of a version: a patch, if the etag matches, that keeps the version as a property (Cosmos DB has no way
             to look without touching; the record's version stays what it was); of absence: create, then delete
    Append   replace or create the log's end, create an item with the entries
    DropLog  put an end of a new generation, in which nothing is yet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from understudy_server.store.cosmos import items, names
from understudy_server.store.cosmos.items import End
from understudy_server.store.port import (
    LOG_START,
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Partition,
    Put,
    Version,
)

MOST_STEPS = 100
"""Of a batch. Only checks of absence and appends take two, so few commits come near."""

LARGEST = 1_900_000
"""Bytes of a batch, of which Cosmos DB takes 2 MB."""

Call: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
"""As ``execute_item_batch`` takes it."""


@dataclass(slots=True)
class Known:
    """What has been learned beyond what the commit itself says."""

    etags: dict[tuple[str, str], str] = field(default_factory=dict)
    """By kind and id: present etags of records whose versions are older than them."""
    ends: dict[str, End] = field(default_factory=dict)
    """By log. One that is missing here is taken not to exist."""


@dataclass(frozen=True, slots=True)
class Step:
    number: int
    """Of the operation it belongs to."""
    call: Call
    gives_version: bool = False
    end: End | None = None
    """Where the log ends afterwards; the etag is in the answer."""


def steps(commit: Commit, known: Known, generation: str, now: int) -> Sequence[Step]:
    """``generation``: a new word, for logs that begin; ``now``: in microseconds.

    Raises ``ValueError`` for what does not fit into a batch.
    """
    found: list[Step] = []
    for number, operation in enumerate(commit.operations):
        partition = commit.partition
        match operation:
            case Put():
                item = items.of_put(partition, operation, commit.id)
                call = _put(operation, item, known)
                found.append(Step(number, call, gives_version=True))
            case Delete(kind=kind, id=id):
                options = _if_match(known, kind, id, operation.expected)
                found.append(Step(number, ("delete", (names.record_id(kind, id),), options)))
            case Check():
                found += (Step(number, call) for call in _check(partition, operation, known))
            case Append():
                found += _append(number, partition, operation, known, generation)
            case DropLog(log=log):
                item = items.of_end(partition, log, generation, LOG_START, names.number(now))
                found.append(Step(number, ("upsert", (item,), {})))
    _refuse_what_does_not_fit(commit, found)
    return found


def ends_before(end: End | None, append: Append) -> bool:
    """Whether the log goes on with this."""
    return end is None or end.last < append.entries[0].first


def versions(
    commit: Commit, done: Sequence[Step], results: Sequence[Mapping[str, Any]]
) -> tuple[Version | None, ...]:
    found: list[Version | None] = [None] * len(commit.operations)
    for step, result in zip(done, results, strict=True):
        if step.gives_version:
            found[step.number] = etag(result)
    return tuple(found)


def etag(result: Mapping[str, Any]) -> str:
    """Of what a step has written: as reads tell it, where the answer has the item, too."""
    item = result.get("resourceBody")
    found: str = item["_etag"] if item else result["eTag"]
    return found


def _put(put: Put, item: items.Item, known: Known) -> Call:
    if put.expected is None:
        return "create", (item,), {}
    options = _if_match(known, put.kind, put.id, put.expected)
    return "replace", (item["id"], item), options


def _check(partition: Partition, check: Check, known: Known) -> Sequence[Call]:
    id = names.record_id(check.kind, check.id)
    if check.expected is None:
        item = {"id": id, "pk": names.partition_key(partition)}
        return [("create", (item,), {}), ("delete", (id,), {})]
    keep = [{"op": "set", "path": "/version", "value": check.expected}]
    return [("patch", (id, keep), _if_match(known, check.kind, check.id, check.expected))]


def _append(
    number: int, partition: Partition, append: Append, known: Known, generation: str
) -> Sequence[Step]:
    before = known.ends.get(append.log)
    if before is not None and items.is_alive(before):
        generation = before.generation
    last = append.entries[-1].last
    dropped = before.dropped if before else None
    item = items.of_end(partition, append.log, generation, last, dropped)
    call: Call = ("create", (item,), {})
    if before is not None:
        call = ("replace", (item["id"], item), {"if_match_etag": before.etag})
    after = End(etag="", generation=generation, last=last, dropped=dropped)
    entries = items.of_append(partition, append, generation)
    return [Step(number, call, end=after), Step(number, ("create", (entries,), {}))]


def _if_match(known: Known, kind: str, id: str, expected: Version) -> dict[str, Any]:
    return {"if_match_etag": known.etags.get((kind, id), expected)}


def _refuse_what_does_not_fit(commit: Commit, found: Sequence[Step]) -> None:
    if len(found) > MOST_STEPS:
        raise ValueError(f"{len(found)} steps in a batch, over {MOST_STEPS}")
    size = 0
    for operation in commit.operations:
        size += 1_000
        if isinstance(operation, Put):
            size += len(operation.body) * 4 // 3
        elif isinstance(operation, Append):
            size += sum(len(entry.body) * 4 // 3 + 50 for entry in operation.entries)
    if size > LARGEST:
        raise ValueError(f"about {size} bytes in a batch, over {LARGEST}")
