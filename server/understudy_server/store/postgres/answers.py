"""What PostgreSQL answers, as what the port promises. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.store.port import Entry, EventId, Partition, Record, Stored


def stored(row: Sequence[object]) -> Stored:
    labels, *columns = row
    assert isinstance(labels, list)
    return Stored(record=record(columns), labels=tuple(map(text, labels)))


def texts(row: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(text, row))


def record(row: Sequence[object]) -> Record:
    """``row``: the columns of a statement above."""
    project, partition, kind, id, order, due, version, commit, body = row
    return Record(
        partition=Partition(text(project), text(partition)),
        kind=text(kind),
        id=text(id),
        order=_number(order),
        version=text(version),
        commit=text(commit),
        body=_bytes(body),
        due=None if due is None else _number(due),
    )


def entry(row: Sequence[object]) -> Entry:
    first_attempt, first_n, last_attempt, last_n, body = row
    return Entry(
        first=EventId(_number(first_attempt), _number(first_n)),
        last=EventId(_number(last_attempt), _number(last_n)),
        body=_bytes(body),
    )


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def text(value: object) -> str:
    return _bytes(value).decode()
