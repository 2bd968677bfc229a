"""What Redis answers, as what the port promises. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from understudy_server.store.port import Entry, EventId, Partition, Record

FIELDS = ("version", "commit", "order", "due", "body")
"""Of a record, in the order in which ``record`` takes them."""


def record(partition: Partition, kind: str, id: str, fields: Sequence[Any]) -> Record | None:
    version, commit, order, due, body = fields
    if version is None:
        return None
    return Record(
        partition=partition,
        kind=kind,
        id=id,
        order=int(order),
        version=version.decode(),
        commit=commit.decode(),
        body=body,
        due=int(due) if due else None,
    )


def entry(id: bytes, fields: Sequence[bytes] | dict[bytes, bytes]) -> Entry:
    """Of a stream: its fields are pairs in one version of the protocol and a map in the other."""
    if not isinstance(fields, dict):
        fields = dict(zip(fields[::2], fields[1::2], strict=True))
    return Entry(first=_event_id(fields[b"first"]), last=_event_id(id), body=fields[b"body"])


def _event_id(text: bytes) -> EventId:
    attempt, n = text.split(b"-")
    return EventId(int(attempt), int(n))
