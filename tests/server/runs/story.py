"""What the clients and readers of a history were told, and the server has to keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from understudy.v1 import event_pb2
from understudy_server.rpc.runs import Begun
from understudy_server.runs import events as ev


@dataclass
class ReaderLog:
    """What one reader has seen, over all its connections."""

    begun: Begun
    events: list[event_pb2.RunEvent] = field(default_factory=list)
    ended: bool = False
    gone: bool = False
    """Its thread was deleted."""
    past_drop: bool = False
    """The log had been dropped when its last connection ended."""

    @property
    def thread(self) -> str:
        return self.begun.spec.run.thread_id

    @property
    def run(self) -> str:
        return self.begun.spec.run.id

    def take(self, events: Iterable[event_pb2.RunEvent]) -> None:
        self.events.extend(events)
        last = self.events[-1]
        self.ended = ev.ends_stream(last) and not last.HasField("run_requires_action")


@dataclass
class Said:
    """One request that added to a thread and was acknowledged: a message, or a run."""

    id: str
    key: str
    texts: tuple[str, ...]
    """Of the messages that it brought, in their order."""
    begun: Begun | None = None


@dataclass
class Story:
    """By client and thread, what was promised."""

    threads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """With the texts of the messages with which each was created."""
    deleted: set[str] = field(default_factory=set)
    said: dict[tuple[str, str], list[Said]] = field(default_factory=lambda: defaultdict(list))
    """By thread and client: each request was made after the one before was answered."""
    cancelled: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)
    """By call id."""
    edits: set[str] = field(default_factory=set)
    """Values of metadata."""
    unsaid: set[str] = field(default_factory=set)
    """Messages whose deletion was acknowledged ..."""
    unsaying: set[str] = field(default_factory=set)
    """... and those of which somebody asked for it."""
    spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By the instructions of a run: the tokens that models have counted for it."""
    readers: list[ReaderLog] = field(default_factory=list)
    executed: dict[str, str] = field(default_factory=dict)
    """Calls that this server has begun to run, with their arguments."""
    assistant: str = ""

    def runs(self) -> Iterator[Begun]:
        for items in self.said.values():
            for item in items:
                if item.begun is not None:
                    yield item.begun
