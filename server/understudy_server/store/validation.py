"""What every backend asks of a commit before it looks at the data.

A commit that breaks these rules is a mistake in this program, never the caller's or the data's. It
is refused before it is queued, so that it cannot fail the commits that would share its transaction.
"""

from __future__ import annotations

from understudy_server.store.port import (
    LOG_START,
    MAX_COMMIT_BYTES,
    MAX_NUMBER,
    MAX_OPERATIONS,
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Operation,
    Put,
)


def validate(commit: Commit) -> None:
    """Raise ``ValueError`` for a commit that no backend may accept."""
    if len(commit.operations) > MAX_OPERATIONS:
        raise ValueError(f"{len(commit.operations)} operations in a commit, over {MAX_OPERATIONS}")
    for text in (commit.id, *commit.partition):
        text.encode()
    targets = set()
    size = 0
    for operation in commit.operations:
        targets.add(_target(operation))
        if isinstance(operation, Put):
            _validate_put(operation)
            size += len(operation.body)
        elif isinstance(operation, Append):
            _validate_entries(operation)
            size += sum(len(entry.body) for entry in operation.entries)
    if len(targets) != len(commit.operations):
        raise ValueError("a record or a log occurs twice in one commit")
    if size > MAX_COMMIT_BYTES:
        raise ValueError(f"{size} bytes in a commit, over {MAX_COMMIT_BYTES}")


def validate_limit(limit: int) -> None:
    """Raise ``ValueError`` for a page size that makes no sense."""
    if limit < 1:
        raise ValueError(f"limit {limit} is not positive")


def _target(operation: Operation) -> tuple[bytes, ...]:
    """What the operation is about; encoding refuses text that is not valid Unicode."""
    if isinstance(operation, Put | Delete | Check):
        return operation.kind.encode(), operation.id.encode()
    if isinstance(operation, Append | DropLog):
        return (operation.log.encode(),)
    raise ValueError(f"{operation!r} is not an operation")


def _validate_put(put: Put) -> None:
    for number in (put.order, put.due):
        if number is not None and not 0 <= number <= MAX_NUMBER:
            raise ValueError(f"{number} is outside of 0 .. 2**62")
    for label in put.labels:
        label.encode()


def _validate_entries(append: Append) -> None:
    if not append.entries:
        raise ValueError(f"nothing to append to log {append.log}")
    end = LOG_START
    for entry in append.entries:
        if not end < entry.first <= entry.last:
            raise ValueError(f"entry {entry.first}..{entry.last} of {append.log} does not ascend")
        end = entry.last
