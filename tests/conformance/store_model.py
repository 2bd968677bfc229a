"""The store port in the plainest Python: dictionaries, scanned. What backends are compared with."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.store.port import (
    LOG_START,
    Append,
    Check,
    Commit,
    Delete,
    DropLog,
    Entry,
    EventId,
    Operation,
    Partition,
    Position,
    Put,
    Record,
    Version,
)


class StoreModel:
    """Applies commits that a real store has judged, with the versions that it gave."""

    def __init__(self) -> None:
        self.records: dict[tuple[Partition, str, str], tuple[Record, frozenset[str]]] = {}
        self.logs: dict[tuple[Partition, str], list[Entry]] = {}

    def accepts(self, commit: Commit) -> bool:
        return all(self._holds(commit.partition, operation) for operation in commit.operations)

    def apply(self, commit: Commit, versions: Sequence[Version | None]) -> None:
        partition = commit.partition
        for operation, version in zip(commit.operations, versions, strict=True):
            if isinstance(operation, Put):
                assert version is not None
                record = Record(
                    partition=partition,
                    kind=operation.kind,
                    id=operation.id,
                    order=operation.order,
                    version=version,
                    commit=commit.id,
                    body=operation.body,
                    due=operation.due,
                )
                address = (partition, operation.kind, operation.id)
                self.records[address] = (record, frozenset(operation.labels))
            elif isinstance(operation, Delete):
                del self.records[partition, operation.kind, operation.id]
            elif isinstance(operation, Append):
                self.logs.setdefault((partition, operation.log), []).extend(operation.entries)
            elif isinstance(operation, DropLog):
                self.logs.pop((partition, operation.log), None)

    def get(self, partition: Partition, kind: str, id: str) -> Record | None:
        found = self.records.get((partition, kind, id))
        return found[0] if found else None

    def list(
        self,
        partition: Partition,
        kind: str | None,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> Sequence[Record]:
        found = [
            record
            for record, _ in self.records.values()
            if record.partition == partition and kind in (None, record.kind)
        ]
        return _page(found, low, high, descending, limit)

    def directory(
        self,
        project: str,
        kind: str,
        label: str,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> Sequence[Record]:
        found = [
            record
            for record, labels in self.records.values()
            if (record.partition.project, record.kind) == (project, kind) and label in labels
        ]
        return _page(found, low, high, descending, limit)

    def due(self, now: int, limit: int) -> Sequence[Record]:
        found = [record for record, _ in self.records.values() if _due(record) <= now]
        return sorted(found, key=_due)[:limit]

    def read(self, partition: Partition, log: str, after: EventId, limit: int) -> Sequence[Entry]:
        entries = self.logs.get((partition, log), [])
        return [entry for entry in entries if entry.last > after][:limit]

    def _holds(self, partition: Partition, operation: Operation) -> bool:
        if isinstance(operation, Put | Delete | Check):
            record = self.get(partition, operation.kind, operation.id)
            return (record.version if record else None) == operation.expected
        if isinstance(operation, Append):
            entries = self.logs.get((partition, operation.log))
            return operation.entries[0].first > (entries[-1].last if entries else LOG_START)
        return True


def _due(record: Record) -> float:
    return float("inf") if record.due is None else record.due


def _page(
    records: list[Record],
    low: Position | None,
    high: Position | None,
    descending: bool,
    limit: int,
) -> Sequence[Record]:
    inside = [
        record
        for record in records
        if (low is None or record.position > low) and (high is None or record.position < high)
    ]
    return sorted(inside, key=lambda record: record.position, reverse=descending)[:limit]
