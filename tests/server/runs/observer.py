"""Sits between the store and everything that goes wrong, and checks each commit that happens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tests.clock import FakeClock
from tests.server.runs.commit_rules import RULES
from tests.server.runs.thread_view import STEP, Change, ThreadView, read
from tests.store.forwarding import ForwardingStore
from understudy_server.errors import Conflict
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.port import Check, Commit, Delete, Put, Store, Version
from understudy_server.store.v1.records_pb2 import StepRecord


@dataclass(frozen=True, slots=True)
class Call:
    """A call that this server or the application has to answer, as the model made it."""

    step: str
    run: str
    name: str
    arguments: str


class Observer(ForwardingStore):
    """Knows what was ever committed; ``found`` takes what should not have been."""

    def __init__(self, inner: Store, clock: FakeClock, found: list[str]) -> None:
        super().__init__(inner)
        self._clock = clock
        self._found = found
        self.commits = 0
        self.records = False
        """Whether every commit is told, good or bad."""
        self.views: dict[str, ThreadView] = defaultdict(ThreadView)
        """By thread."""
        self.authors: dict[str, str] = {}
        """By commit: the core that sent it."""
        self.calls: dict[str, Call] = {}
        """By call id, once the model has finished them."""
        self.answered: dict[str, tuple[int, str]] = {}
        """By call id: the number of the commit that brought the output, and the output."""
        self._texts: set[str] = set()
        self.edits: set[str] = set()
        """Every value of metadata that was ever stored."""

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        try:
            versions = await self._inner.commit(commit)
        except Conflict as error:
            if not await self._has_changed(commit):
                self.bad(f"a conflict with nobody: {error}")
            raise
        self.commits += 1
        if self.records:
            touched = [getattr(operation, "id", "") for operation in commit.operations]
            self.bad(f"{commit.partition.name} {touched}")
        if commit.partition.name.startswith("thread/"):
            self._observe(commit)
        return versions

    async def _has_changed(self, commit: Commit) -> bool:
        """Whether a record is not as the commit expects it. Else it conflicts by the numbers of its events alone,
        and will for ever.
        """
        for operation in commit.operations:
            if isinstance(operation, Put | Delete | Check):
                record = await self._inner.get(commit.partition, operation.kind, operation.id)
                if (record.version if record else None) != operation.expected:
                    return True
        return False

    def view(self, thread_id: str) -> ThreadView:
        return self.views[thread_id]

    def bad(self, what: str) -> None:
        self._found.append(f"{self._clock.monotonic():.3f}: {what}")

    def _observe(self, commit: Commit) -> None:
        view = self.views[tables.thread_of(commit.partition)]
        author = self.authors.get(commit.id, "nobody")
        try:
            change = read(view, commit, author)
            self._count_deaths(change)
            for rule in RULES:
                for broken in rule(change):
                    self.bad(f"{rule.__name__.strip('_')}: {broken}")
        except (KeyError, AssertionError, IndexError) as error:
            self.bad(f"a commit that makes no sense: {error!r} in {commit.operations}")
            return
        self._remember(change)

    def _count_deaths(self, change: Change) -> None:
        before, after = change.head_before, change.view.head
        if before is None or after is None or not before.holder or after.tombstone:
            return
        if after.active_run == before.active_run and after.attempt > before.attempt:
            change.view.deaths[before.active_run] += 1

    def _remember(self, change: Change) -> None:
        view = change.view
        if view.head is None or view.head.active_run:
            view.free_since = None
        elif view.free_since is None:
            view.free_since = self._clock.monotonic()
        for (kind, id), written in change.written.items():
            if kind.startswith(STEP):
                assert isinstance(written.after, StepRecord)
                self._remember_calls(id, kind.removeprefix(STEP), written.after)
        for id, _ in change.of(tables.runs.kind):
            self.edits.update(view.runs[id].run.metadata.values())
        for id, _ in change.of(tables.messages.kind):
            message = view.messages[id].message
            self.edits.update(message.metadata.values())
            self._texts.update(part.text.value for part in message.content)
        for id, _ in change.of(tables.threads.kind):
            self.edits.update(view.threads[id].thread.metadata.values())

    def _remember_calls(self, step_id: str, run_id: str, record: StepRecord) -> None:
        for call in record.step.step_details.tool_calls.tool_calls:
            function = call.function
            self.calls.setdefault(call.id, Call(step_id, run_id, function.name, function.arguments))
            if function.HasField("output"):
                self.answered.setdefault(call.id, (self.commits, function.output))

    def is_stored(self, text: str) -> bool:
        """Whether a message with this text was ever stored."""
        return text in self._texts

    def lives(self) -> bool:
        """Whether any run of any thread has not ended."""
        return any(
            state.run.status not in machine.TERMINAL
            for view in self.views.values()
            if view.exists()
            for state in view.runs.values()
        )
