"""What a history's observer knows of one thread: its records, and everything that its logs ever held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import Message

from understudy.v1 import event_pb2, message_pb2
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.port import Append, Commit, Delete, DropLog, EventId, Operation, Put
from understudy_server.store.v1.records_pb2 import (
    Head,
    MessageRecord,
    RunSpec,
    RunState,
    StepRecord,
    ThreadRecord,
)

STEP = "step/"
POINTER = "message-of/"
_BODIES: dict[str, type[Message]] = {
    tables.heads.kind: Head,
    tables.threads.kind: ThreadRecord,
    tables.messages.kind: MessageRecord,
    tables.specs.kind: RunSpec,
    tables.runs.kind: RunState,
}


@dataclass
class RunLog:
    """The events of one run, also after its log was dropped."""

    events: list[event_pb2.RunEvent] = field(default_factory=list)
    open_message: str = ""
    open_steps: list[str] = field(default_factory=list)
    dropped: bool = False

    def extend(self, events: list[event_pb2.RunEvent]) -> None:
        self.events += events
        for event in events:
            branch = event.WhichOneof("event")
            match branch:
                case "message_created":
                    self.open_message = event.message_created.id
                case "message_completed" | "message_incomplete":
                    self.open_message = ""
                case "step_created":
                    self.open_steps.append(event.step_created.id)
                case "step_completed" | "step_failed" | "step_cancelled" | "step_expired":
                    ended = getattr(event, branch).id
                    self.open_steps = [id for id in self.open_steps if id != ended]


@dataclass
class ThreadView:
    """The thread as the commits so far have left it. Bodies are never changed, only replaced."""

    head: Head | None = None
    threads: dict[str, ThreadRecord] = field(default_factory=dict)
    messages: dict[str, MessageRecord] = field(default_factory=dict)
    specs: dict[str, RunSpec] = field(default_factory=dict)
    runs: dict[str, RunState] = field(default_factory=dict)
    steps: dict[str, StepRecord] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    """Message ids, with the runs under which they are listed."""
    orders: dict[tuple[str, str], int] = field(default_factory=dict)
    logs: dict[str, RunLog] = field(default_factory=lambda: defaultdict(RunLog))
    free_since: float | None = None
    """Seconds; since when no run is active."""
    ever: dict[str, message_pb2.Message] = field(default_factory=dict)
    """Every message that was ever stored, as it was put first."""
    deaths: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Claims of a run that found a holder."""

    def exists(self) -> bool:
        return self.head is not None and not self.head.tombstone and not self.head.staged

    def live(self) -> list[str]:
        return [id for id, state in self.runs.items() if state.run.status not in machine.TERMINAL]


@dataclass(frozen=True, slots=True)
class Written:
    """One put: what was there (None: nothing), and what is there now."""

    put: Put
    before: object | None
    after: object


@dataclass(slots=True)
class Change:
    """One commit to a thread, read."""

    commit: Commit
    author: str
    head_before: Head | None
    view: ThreadView
    """As the commit leaves it."""
    written: dict[tuple[str, str], Written] = field(default_factory=dict)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    appended: list[tuple[str, list[event_pb2.RunEvent], EventId]] = field(default_factory=list)
    """Log, events, and the last id that the log had before."""

    def of(self, kind: str) -> list[tuple[str, Written]]:
        return [(id, written) for (found, id), written in self.written.items() if found == kind]

    def states(self) -> Iterator[tuple[str, RunState, Written]]:
        """By id: the states of runs that were put."""
        for id, written in self.of(tables.runs.kind):
            assert isinstance(written.after, RunState)
            yield id, written.after, written

    def puts_head(self) -> bool:
        return (tables.heads.kind, tables.HEAD_ID) in self.written


def read(view: ThreadView, commit: Commit, author: str) -> Change:
    """Applies a commit that the store has accepted, and tells what it changed."""
    change = Change(commit, author, view.head, view)
    for operation in commit.operations:
        _apply(view, change, operation)
    return change


def _apply(view: ThreadView, change: Change, operation: Operation) -> None:
    if isinstance(operation, Put):
        _put(view, change, operation)
    elif isinstance(operation, Delete):
        change.deleted.append((operation.kind, operation.id))
        view.orders.pop((operation.kind, operation.id), None)
        if operation.kind == tables.heads.kind:
            # Its creation was given up and purged; the same commits may come once more.
            view.head = None
            view.ever.clear()
        elif operation.kind.startswith(POINTER):
            view.pointers.pop(operation.id, None)
        else:
            _table(view, operation.kind).pop(operation.id, None)
    elif isinstance(operation, Append):
        log = view.logs[operation.log]
        last = _last(log)
        events = [
            event
            for entry in operation.entries
            for event in event_pb2.RunEventBatch.FromString(entry.body).events
        ]
        log.extend(events)
        change.appended.append((operation.log, events, last))
    elif isinstance(operation, DropLog):
        view.logs[operation.log].dropped = True


def _put(view: ThreadView, change: Change, put: Put) -> None:
    key = (put.kind, put.id)
    view.orders[key] = put.order
    if put.kind.startswith(POINTER):
        view.pointers[put.id] = put.kind.removeprefix(POINTER)
        return
    if put.kind.startswith(STEP):
        after: object = StepRecord.FromString(put.body)
    elif put.kind in _BODIES:
        after = message = _BODIES[put.kind]()
        message.ParseFromString(put.body)
    else:
        return
    if isinstance(after, Head):
        change.written[key] = Written(put, view.head, after)
        view.head = after
        return
    table = _table(view, put.kind)
    change.written[key] = Written(put, table.get(put.id), after)
    table[put.id] = after
    if isinstance(after, MessageRecord):
        view.ever.setdefault(put.id, after.message)


def _table(view: ThreadView, kind: str) -> dict[str, object]:
    tables_of: dict[str, dict[str, object]] = {
        tables.threads.kind: view.threads,  # type: ignore[dict-item]  # each holds its own kind
        tables.messages.kind: view.messages,  # type: ignore[dict-item]
        tables.specs.kind: view.specs,  # type: ignore[dict-item]
        tables.runs.kind: view.runs,  # type: ignore[dict-item]
    }
    return tables_of.get(kind, view.steps if kind.startswith(STEP) else {})  # type: ignore[arg-type]


def _last(log: RunLog) -> EventId:
    if not log.events:
        return EventId(0, 0)
    attempt, _, n = log.events[-1].id.partition("-")
    return EventId(int(attempt), int(n))
