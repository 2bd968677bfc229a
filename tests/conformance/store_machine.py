"""Random histories: a backend against ``StoreModel``, step by step.

Subclass ``StoreMachine`` with an ``open_store`` and export the subclass's ``TestCase``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.conformance.samples import FOREIGN, SIBLING, THREAD, commit_of
from tests.conformance.store_model import StoreModel
from understudy_server.errors import Conflict
from understudy_server.store.port import (
    Append,
    Check,
    Delete,
    DropLog,
    Entry,
    EventId,
    Operation,
    Partition,
    Position,
    Put,
    Record,
    Store,
)

PARTITIONS = (THREAD, SIBLING, FOREIGN)
KINDS = ("run", "message")
IDS = ("a", "b", "a\0", "é")
LABELS = ("x", "y")
LOGS = ("run_1", "run_2")

_orders = st.integers(0, 3)
_positions = st.none() | st.builds(Position, _orders, st.sampled_from(IDS))
_events = st.builds(EventId, st.integers(0, 3), st.integers(0, 5))
_limits = st.integers(1, 5)
_partitions = st.sampled_from(PARTITIONS)
_labels = st.lists(st.sampled_from(LABELS), max_size=2).map(tuple)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = StoreModel()
        self.store = self.runner.run(self.open_store())
        self.versions: set[str] = set()

    async def open_store(self) -> Store:
        raise NotImplementedError

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()

    @rule(data=st.data(), partition=_partitions, size=st.integers(1, 4))
    def commit(self, data: st.DataObject, partition: Partition, size: int) -> None:
        targets: st.SearchStrategy[str | tuple[str, str]] = st.sampled_from(LOGS) | st.tuples(
            st.sampled_from(KINDS), st.sampled_from(IDS)
        )
        chosen = data.draw(st.lists(targets, min_size=size, max_size=size, unique=True))
        operations = [self._operation(data, partition, target) for target in chosen]
        commit = commit_of(*operations, partition=partition)
        try:
            versions = self.runner.run(self.store.commit(commit))
        except Conflict:
            assert not self.model.accepts(commit)
            return
        assert self.model.accepts(commit)
        given = {version for version in versions if version is not None}
        assert not given & self.versions
        self.versions |= given
        self.model.apply(commit, versions)

    def _operation(
        self, data: st.DataObject, partition: Partition, target: str | tuple[str, str]
    ) -> Operation:
        if isinstance(target, str):
            return self._log_operation(data, partition, target)
        kind, id = target
        record = self.model.get(partition, kind, id)
        present = record.version if record else None
        # Mostly what holds: a history of conflicts alone would prove little.
        honest = data.draw(st.integers(0, 9)) > 0
        expected = present if honest else data.draw(st.sampled_from([None, "never given"]))
        choice = data.draw(st.sampled_from(["put", "put", "put", "delete", "check"]))
        if choice == "check":
            return Check(kind=kind, id=id, expected=expected)
        if choice == "delete" and expected is not None:
            return Delete(kind=kind, id=id, expected=expected)
        return Put(
            kind=kind,
            id=id,
            expected=expected,
            order=data.draw(_orders),
            body=data.draw(st.binary(max_size=3)),
            due=data.draw(st.none() | st.integers(0, 4)),
            labels=data.draw(_labels),
        )

    def _log_operation(self, data: st.DataObject, partition: Partition, log: str) -> Operation:
        if data.draw(st.integers(0, 5)) == 0:
            return DropLog(log=log)
        entries = self.model.logs.get((partition, log))
        end = entries[-1].last if entries else EventId(1, 0)
        back = data.draw(st.integers(0, 9)) == 0
        first = EventId(max(end.attempt, 1), max(end.n + (0 if back else 1), 1))
        last = EventId(first.attempt, first.n + data.draw(st.integers(0, 2)))
        body = data.draw(st.binary(max_size=3))
        following = EventId(last.attempt + 1, 1)
        return Append(
            log=log,
            entries=(
                Entry(first=first, last=last, body=body),
                Entry(first=following, last=following, body=b""),
            )[: data.draw(st.integers(1, 2))],
        )

    @rule(
        partition=_partitions,
        kind=st.none() | st.sampled_from(KINDS),
        low=_positions,
        high=_positions,
        descending=st.booleans(),
        limit=_limits,
    )
    def list_partition(
        self,
        partition: Partition,
        kind: str | None,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> None:
        found = self.runner.run(
            self.store.list(partition, kind, low=low, high=high, descending=descending, limit=limit)
        )
        _same_page(found, self.model.list(partition, kind, low, high, descending, 999), limit)

    @rule(
        project=st.sampled_from(["proj_1", "proj_2"]),
        kind=st.sampled_from(KINDS),
        label=st.sampled_from(LABELS),
        low=_positions,
        high=_positions,
        descending=st.booleans(),
        limit=_limits,
    )
    def directory(
        self,
        project: str,
        kind: str,
        label: str,
        low: Position | None,
        high: Position | None,
        descending: bool,
        limit: int,
    ) -> None:
        found = self.runner.run(
            self.store.directory(
                project, kind, label, low=low, high=high, descending=descending, limit=limit
            )
        )
        expected = self.model.directory(project, kind, label, low, high, descending, 999)
        _same_page(found, expected, limit)

    @rule(now=st.integers(0, 5), limit=_limits)
    def due(self, now: int, limit: int) -> None:
        found = self.runner.run(self.store.due(now, limit))
        expected = self.model.due(now, 999)
        assert [record.due for record in found] == [record.due for record in expected[:limit]]
        assert _addresses(found) <= _addresses(expected)
        assert all(record in expected for record in found)

    @rule(partition=_partitions, log=st.sampled_from(LOGS), after=_events, limit=_limits)
    def read(self, partition: Partition, log: str, after: EventId, limit: int) -> None:
        found = self.runner.run(self.store.read(partition, log, after, limit))
        assert [*found] == [*self.model.read(partition, log, after, limit)]

    @invariant()
    def nothing_more_and_nothing_less(self) -> None:
        for partition in PARTITIONS:
            found = self.runner.run(self.store.list(partition, None, limit=99))
            _same_page(found, self.model.list(partition, None, None, None, False, 99), 99)


def _same_page(found: Sequence[Record], expected: Sequence[Record], limit: int) -> None:
    """Equal, but for the order among equal positions (of several kinds or partitions)."""
    assert len(found) == min(limit, len(expected))
    assert [record.position for record in found] == [record.position for record in expected[:limit]]
    assert len(_addresses(found)) == len(found)
    assert all(record in expected for record in found)


def _addresses(records: Sequence[Record]) -> set[tuple[Partition, str, str]]:
    return {(record.partition, record.kind, record.id) for record in records}
