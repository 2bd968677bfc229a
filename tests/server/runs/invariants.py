"""What must hold at the end of every history, whatever went wrong in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.server.runs.world import World, ids, names, text_of
from understudy.v1 import event_pb2, message_pb2, run_step_pb2
from understudy_server.rpc.runs import Begun
from understudy_server.runs import events as ev
from understudy_server.runs import machine
from understudy_server.store import tables

CLOSED = {"step_completed", "step_failed", "step_cancelled", "step_expired"}
MESSAGE_CLOSED = {"message_completed", "message_incomplete"}


@dataclass
class ReaderLog:
    """What one reader has seen, over all its connections."""

    begun: Begun
    events: list[event_pb2.RunEvent] = field(default_factory=list)
    ended: bool = False
    gone: bool = False
    """Its thread was deleted."""

    def take(self, events: Iterable[event_pb2.RunEvent]) -> None:
        self.events.extend(events)
        last = self.events[-1]
        self.ended = ev.ends_stream(last) and not last.HasField("run_requires_action")


@dataclass
class Story:
    """What was promised to clients."""

    threads: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    said: dict[str, list[str | Begun]] = field(default_factory=lambda: defaultdict(list))
    """By client: the ids of its messages and its runs, each begun after the one before was answered."""
    cancelled: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)
    edited: set[tuple[str, str]] = field(default_factory=set)
    readers: list[ReaderLog] = field(default_factory=list)

    def say(self, client: str, id: str) -> None:
        self.said[client].append(id)

    def run(self, client: str, begun: Begun) -> None:
        self.said[client].append(begun)

    def runs(self) -> Iterator[Begun]:
        for said in self.said.values():
            for item in said:
                if isinstance(item, Begun):
                    yield item


async def violations(world: World[Any], story: Story) -> list[str]:
    core = world.core()
    found: list[str] = []
    for thread in story.threads:
        head = await world.head(thread)
        if head.tombstone:
            if (left := await world.left(thread)) != ["head"]:
                found.append(f"purge not finished: {left}")
            continue
        if head.active_run or head.holder:
            found.append(f"{thread} stays locked by {head.active_run}")
        stored = await world.messages(core, thread)
        found += _texts(stored)
        found += _orders(stored, story, thread)
    for begun in story.runs():
        if (await world.head(begun.spec.run.thread_id)).tombstone:
            continue
        found += await _run(world, story, begun)
    for reader in story.readers:
        if (await world.head(reader.begun.spec.run.thread_id)).tombstone:
            continue
        found += _reader(reader, await world.log(reader.begun))
    return found


def _texts(stored: Sequence[message_pb2.Message]) -> Iterator[str]:
    counts = Counter(text_of(m) for m in stored if m.role == message_pb2.MESSAGE_ROLE_USER)
    for text, count in counts.items():
        if count > 1:
            yield f"stored {count} times: {text}"


def _orders(stored: Sequence[message_pb2.Message], story: Story, thread: str) -> Iterator[str]:
    place = {message.id: index for index, message in enumerate(stored)}
    answers: dict[str, list[int]] = defaultdict(list)
    for message in stored:
        answers[message.run_id].append(place[message.id])
    for client, said in story.said.items():
        if not client.startswith(f"{thread}/"):
            continue
        last = -1
        for item in said:
            if isinstance(item, Begun):
                places = answers[item.spec.run.id]
            elif item in place:
                places = [place[item]]
            else:
                yield f"acknowledged and lost: {item}"
                continue
            if places and min(places) < last:
                yield f"{client}: something stands before what it answers"
            last = max([last, *places])


async def _run(world: World[Any], story: Story, begun: Begun) -> list[str]:
    id = begun.spec.run.id
    row = await tables.runs.get(world.memory, begun.partition, id)
    if row is None:
        return [f"acknowledged and lost: {id}"]
    found = []
    status = row.body.run.status
    if status not in machine.TERMINAL:
        return [f"{id} never ended: {row.body.run}"]
    if id in story.cancelled and status != machine.CANCELLED:
        found.append(f"{id}: an accepted cancel was not honoured")
    if (begun.spec.run.thread_id, id) in story.edited and not row.body.run.metadata:
        found.append(f"{id}: an edit was lost")
    log = await world.log(begun)
    found += [f"{id}: {what}" for what in _log(log, row.body.terminal_event)]
    core = world.cores[-1]
    messages = {m.id: m for m in await world.messages(core, begun.spec.run.thread_id)}
    for event in log:
        ended = event.message_completed
        if event.HasField("message_completed") and messages.get(ended.id) != ended:
            found.append(f"{id}: a message differs from its event")
    for step in await world.steps(core, begun):
        if step.status == run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS:
            found.append(f"{id}: {step.id} never ended")
        for call in step.step_details.tool_calls.tool_calls:
            wanted = story.outputs.get(call.id)
            if wanted is not None and call.function.output != wanted:
                found.append(f"{id}: the outputs of {call.id} were lost")
    return found


def _log(log: Sequence[event_pb2.RunEvent], terminal: str) -> Iterator[str]:
    seen = [ev.event_id(event) for event in log]
    if seen != sorted(set(seen)):
        yield "the log is not in order"
    if log[-1].id != terminal or not ev.ends_stream(log[-1]):
        yield f"ends with {names(log)[-3:]}"
    opened = Counter[str]()
    for event in log:
        branch = event.WhichOneof("event") or ""
        payload = getattr(event, branch)
        if branch in {"message_created", "step_created"}:
            opened[payload.id] += 1
        elif branch in CLOSED | MESSAGE_CLOSED:
            opened[payload.id] -= 1
        elif branch in {"message_delta", "step_delta"} and opened[payload.id] != 1:
            yield "a delta of nothing open"
    if any(opened.values()):
        yield f"not closed exactly once: {opened}"


def _reader(reader: ReaderLog, log: Sequence[event_pb2.RunEvent]) -> Iterator[str]:
    id = reader.begun.spec.run.id
    if not reader.ended:
        yield f"{id}: a reader never ended: {ids(reader.events)[-2:]} of {ids(log)[-2:]}"
    seen = [ev.event_id(event) for event in reader.events]
    if seen != sorted(set(seen)):
        yield f"{id}: a reader saw events twice or out of order"
    durable = {event.id for event in log}
    if missing := durable - set(ids(reader.events)):
        yield f"{id}: a reader missed {sorted(missing)}"
    for event in reader.events:
        branch = event.WhichOneof("event") or ""
        if event.id not in durable and branch not in {"message_delta", "step_delta"}:
            yield f"{id}: a reader saw {branch} {event.id}, which is not in the log"
        if branch == "message_completed":
            deltas = "".join(
                part.text.value
                for delta in reader.events
                if delta.message_delta.id == event.message_completed.id
                for part in delta.message_delta.delta.content
            )
            if deltas != text_of(event.message_completed):
                yield f"{id}: a reader lost or repeated a delta of a completed message"
