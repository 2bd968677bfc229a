"""A commit as one call of ``commit.lua``, whose first lines say what it reads. Pure."""

from __future__ import annotations

from understudy_server.store.port import (
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Operation,
    Partition,
    Put,
    Version,
)
from understudy_server.store.redis.keys import Names, bucket_of
from understudy_server.store.redis.scripts import COMMIT, Argument, Command
from understudy_server.store.redis.wakeups import announcement


def commit_call(
    names: Names, commit: Commit, word: str, now: int
) -> tuple[Command, list[Version | None]]:
    """The call, and the versions that its success gives to the records.

    ``now``: the store's time. ``word`` begins them, and must never come again: not even for the same commit, or a
    copy of it that arrives late could bring back a version that was.
    """
    arguments: list[Argument] = [names.channel(), announcement(commit, now)]
    versions: list[Version | None] = []
    for number, operation in enumerate(commit.operations):
        version = f"{word}-{number}"
        arguments += _arguments(names, commit, operation, version)
        versions.append(version if isinstance(operation, Put) else None)
    return COMMIT.call(names.due(bucket_of(commit.partition)), *arguments), versions


def _arguments(
    names: Names, commit: Commit, operation: Operation, version: Version
) -> list[Argument]:
    match operation:
        case Put():
            return _put(names, commit, operation, version)
        case Delete(kind=kind, id=id, expected=expected):
            return ["D", names.record(commit.partition, kind, id), expected]
        case Check(kind=kind, id=id, expected=expected):
            return ["C", names.record(commit.partition, kind, id), expected or ""]
        case Append():
            return _append(names, commit.partition, operation)
        case DropLog(log=log):
            return ["X", names.log(commit.partition, log)]


def _put(names: Names, commit: Commit, put: Put, version: Version) -> list[Argument]:
    due = "" if put.due is None else put.due
    indexes = list(names.indexes(commit.partition, put))
    arguments: list[Argument] = ["P", names.record(commit.partition, put.kind, put.id)]
    arguments += [put.expected or "", version, commit.id, put.order, due, put.body, len(indexes)]
    for index, member in indexes:
        arguments += [index, member]
    return arguments


def _append(names: Names, partition: Partition, append: Append) -> list[Argument]:
    arguments: list[Argument] = ["A", names.log(partition, append.log)]
    arguments += [str(append.entries[0].first), len(append.entries)]
    for entry in append.entries:
        arguments += [str(entry.last), str(entry.first), entry.body]
    return arguments
