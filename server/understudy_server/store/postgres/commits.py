"""A commit as the arguments of ``apply_commit``, whose comment says what each stands for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeAlias

from understudy_server.store.port import (
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Operation,
    Put,
    Version,
)

Bytes: TypeAlias = list[bytes]
Numbers: TypeAlias = list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """In the function's order."""

    project: bytes
    partition: bytes
    commit: bytes
    judged_kinds: Bytes = field(default_factory=list)
    judged_ids: Bytes = field(default_factory=list)
    judged_versions: list[bytes | None] = field(default_factory=list)
    put_kinds: Bytes = field(default_factory=list)
    put_ids: Bytes = field(default_factory=list)
    put_positions: Numbers = field(default_factory=list)
    put_dues: list[int | None] = field(default_factory=list)
    put_versions: Bytes = field(default_factory=list)
    put_bodies: Bytes = field(default_factory=list)
    label_puts: Numbers = field(default_factory=list)
    label_texts: Bytes = field(default_factory=list)
    deleted_kinds: Bytes = field(default_factory=list)
    deleted_ids: Bytes = field(default_factory=list)
    log_names: Bytes = field(default_factory=list)
    log_attempts: Numbers = field(default_factory=list)
    log_ns: Numbers = field(default_factory=list)
    entry_logs: Bytes = field(default_factory=list)
    entry_first_attempts: Numbers = field(default_factory=list)
    entry_first_ns: Numbers = field(default_factory=list)
    entry_last_attempts: Numbers = field(default_factory=list)
    entry_last_ns: Numbers = field(default_factory=list)
    entry_bodies: Bytes = field(default_factory=list)
    dropped: Bytes = field(default_factory=list)

    def values(self) -> list[object]:
        return [getattr(self, name) for name in NAMES]


NAMES = tuple(argument.name for argument in fields(Arguments))


def commit_arguments(commit: Commit, word: str) -> tuple[Arguments, list[Version | None]]:
    """The arguments, and the versions that a success gives to the records.

    ``word`` begins them, and must never come again: not even for the same commit, or a copy of it that arrives
    late could bring back a version that was.
    """
    arguments = Arguments(
        project=commit.partition.project.encode(),
        partition=commit.partition.name.encode(),
        commit=commit.id.encode(),
    )
    versions: list[Version | None] = []
    for number, operation in enumerate(commit.operations):
        version = f"{word}-{number}"
        _add(arguments, operation, version)
        versions.append(version if isinstance(operation, Put) else None)
    return arguments, versions


def _add(arguments: Arguments, operation: Operation, version: Version) -> None:
    match operation:
        case Put():
            _judge(arguments, operation)
            _put(arguments, operation, version)
        case Delete():
            _judge(arguments, operation)
            arguments.deleted_kinds.append(operation.kind.encode())
            arguments.deleted_ids.append(operation.id.encode())
        case Check():
            _judge(arguments, operation)
        case Append():
            _append(arguments, operation)
        case DropLog(log=log):
            arguments.dropped.append(log.encode())


def _judge(arguments: Arguments, operation: Put | Delete | Check) -> None:
    expected = operation.expected
    arguments.judged_kinds.append(operation.kind.encode())
    arguments.judged_ids.append(operation.id.encode())
    arguments.judged_versions.append(None if expected is None else expected.encode())


def _put(arguments: Arguments, put: Put, version: Version) -> None:
    arguments.put_kinds.append(put.kind.encode())
    arguments.put_ids.append(put.id.encode())
    arguments.put_positions.append(put.order)
    arguments.put_dues.append(put.due)
    arguments.put_versions.append(version.encode())
    arguments.put_bodies.append(put.body)
    for label in sorted(set(put.labels)):
        arguments.label_puts.append(len(arguments.put_ids))
        arguments.label_texts.append(label.encode())


def _append(arguments: Arguments, append: Append) -> None:
    first = append.entries[0].first
    arguments.log_names.append(append.log.encode())
    arguments.log_attempts.append(first.attempt)
    arguments.log_ns.append(first.n)
    for entry in append.entries:
        arguments.entry_logs.append(append.log.encode())
        arguments.entry_first_attempts.append(entry.first.attempt)
        arguments.entry_first_ns.append(entry.first.n)
        arguments.entry_last_attempts.append(entry.last.attempt)
        arguments.entry_last_ns.append(entry.last.n)
        arguments.entry_bodies.append(entry.body)
