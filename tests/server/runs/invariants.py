"""What must hold at the end of every history, whatever went wrong in it; seen by a client, on a core of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence

from tests.server.runs.stage import Stage
from tests.server.runs.story import ReaderLog, Said
from tests.server.runs.thread_view import RunLog, ThreadView
from tests.server.runs.world import Core, caller, ids, names, text_of
from understudy.v1 import event_pb2, message_pb2, run_pb2, run_step_pb2, thread_pb2
from understudy_server.errors import NotFound
from understudy_server.rpc.runs import Begun
from understudy_server.runs import events as ev
from understudy_server.runs import machine
from understudy_server.store import tables
from understudy_server.store.port import LOG_START

_CLOSED = {"step_completed", "step_failed", "step_cancelled", "step_expired"}
_MESSAGE_CLOSED = {"message_completed", "message_incomplete"}
_DELTAS = {"message_delta", "step_delta"}


async def violations(stage: Stage) -> list[str]:
    core = stage.world.core(slots=0)
    found = [broken async for broken in _indexes(stage, core)]
    for thread, texts in stage.story.threads.items():
        view = stage.observer.view(thread)
        if not view.exists():
            found += [broken async for broken in _deleted(stage, core, thread, view)]
            continue
        stored = await stage.world.messages(core, thread)
        found += _messages(stage, thread, texts, stored)
        for begun in _runs_of(stage, thread):
            found += [broken async for broken in _run(stage, core, begun, stored)]
    for reader in stage.story.readers:
        view = stage.observer.view(reader.thread)
        found += _reader(reader, view)
    lost = stage.story.edits - stage.observer.edits
    if lost:
        found.append(f"edits were acknowledged and lost: {lost}")
    return found


async def _deleted(stage: Stage, core: Core, thread: str, view: ThreadView) -> AsyncIterator[str]:
    if thread not in stage.story.deleted and not view.head:
        yield f"acknowledged and lost: {thread}"
    if (left := await stage.world.left(thread)) != ["head"]:
        yield f"purge not finished: {left}"
    for log in view.logs:
        if await stage.world.memory.read(tables.thread_partition("p", thread), log, LOG_START, 1):
            yield f"the log of {log} was not purged"
    try:
        await core.threads.get(caller(), thread_pb2.GetThreadRequest(thread_id=thread))
    except NotFound:
        return
    yield f"{thread} was deleted and is there"


def _messages(
    stage: Stage, thread: str, first: Sequence[str], stored: Sequence[message_pb2.Message]
) -> Iterator[str]:
    """Everything that was acknowledged is there, once, and stands where its client said it."""
    story = stage.story
    counts = Counter(text_of(m) for m in stored if m.role == message_pb2.MESSAGE_ROLE_USER)
    for text, count in counts.items():
        if count > 1:
            yield f"stored {count} times: {text}"
    place = {text_of(m): index for index, m in enumerate(stored)}
    ever = stage.observer.view(thread).ever
    unsaid = {text_of(ever[id]) for id in story.unsaying if id in ever}
    answers: dict[str, list[int]] = defaultdict(list)
    for index, message in enumerate(stored):
        answers[message.run_id].append(index)
        if message.id in story.unsaid:
            yield f"deleted and there: {message.id}"
    begun = [Said(id="", key="", texts=tuple(first))]
    for (of, client), said in story.said.items():
        if of != thread:
            continue
        last = -1
        for item in [*begun, *said]:
            for text in item.texts:
                if text not in place:
                    if text not in unsaid:
                        yield f"acknowledged and lost: {text}"
                    continue
                if place[text] < last:
                    yield f"{client}: {text} stands before what it follows"
                last = max(last, place[text])
            places = answers[item.id] if item.begun is not None else []
            if places and min(places) < last:
                yield f"{client}: {item.id} answers before it was asked"
            last = max([last, *places])


async def _indexes(stage: Stage, core: Core) -> AsyncIterator[str]:
    """Each run is listed under its status, each thread that exists, and nothing is due."""
    views = {thread: view for thread, view in stage.observer.views.items() if view.exists()}
    request = thread_pb2.ListThreadsRequest(limit=100)
    listed = [thread.id for thread in (await core.threads.list(caller(), request)).data]
    if sorted(listed) != sorted(views):
        yield f"threads listed: {sorted(listed)}, not {sorted(views)}"
    statuses: dict[machine.Status, set[str]] = defaultdict(set)
    for view in views.values():
        for id, state in view.runs.items():
            statuses[state.run.status].add(id)
    for status in ev.RUN_BRANCHES:
        runs = run_pb2.ListProjectRunsRequest(limit=100, status=status)
        found = [run.id for run in (await core.stored_runs.list_project(caller(), runs)).data]
        wanted = statuses[status]
        if set(found) != wanted and len(wanted) <= 100:
            yield f"runs listed as {status}: {sorted(found)}, not {sorted(wanted)}"
    due = await stage.world.memory.due(2**61, 10_000)
    logs = {
        id
        for view in views.values()
        for id, state in view.runs.items()
        if not state.log_dropped and state.run.status in machine.TERMINAL
    }
    if {record.id for record in due} != logs:
        yield f"due: {[(r.kind, r.id) for r in due]}, not {sorted(logs)}"


async def _run(
    stage: Stage, core: Core, begun: Begun, stored: Sequence[message_pb2.Message]
) -> AsyncIterator[str]:
    id, thread = begun.spec.run.id, begun.spec.run.thread_id
    view = stage.observer.view(thread)
    if id not in view.runs:
        yield f"acknowledged and lost: {id}"
        return
    run = await stage.world.state(core, begun)
    if run.status not in machine.TERMINAL:
        yield f"{id} never ended: {run}"
        return
    if id in stage.story.cancelled and run.status != machine.CANCELLED:
        yield f"{id}: an accepted cancel was not honoured"
    for what in _log(view.logs[id], view.runs[id].terminal_event):
        yield f"{id}: {what}"
    steps = await stage.world.steps(core, begun)
    for step in steps:
        if step.status == run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS:
            yield f"{id}: {step.id} never ended"
        for call in step.step_details.tool_calls.tool_calls:
            wanted = stage.story.outputs.get(call.id)
            if wanted is not None and call.function.output != wanted:
                yield f"{id}: the outputs of {call.id} were lost"
            kept = call.function.HasField("output")
            if run.status == machine.COMPLETED and not kept:
                yield f"{id}: completed, and nobody answered {call.id}"
    if run.status == machine.COMPLETED:
        calls = {
            c.id
            for step in steps
            for c in step.step_details.tool_calls.tool_calls
            if c.function.HasField("output")
        }
        for call_id, of in stage.story.executed.items():
            if of == id and call_id not in calls:
                yield f"{id}: {call_id} ran, and nobody knows what it gave"
    used = sum(step.usage.total_tokens for step in steps)
    spent = stage.story.spent.get(run.instructions, run.usage.total_tokens)
    # A turn that leaves no step is paid for, too: an empty answer, or one that was cut off at once.
    if not used <= run.usage.total_tokens <= spent:
        yield f"{id}: used {run.usage.total_tokens}, its steps {used}, its model calls {spent}"
    request = message_pb2.ListMessagesRequest(thread_id=thread, run_id=id, limit=100)
    listed = {message.id for message in (await core.messages.list(caller(), request)).data}
    written = {message.id for message in stored if message.run_id == id}
    if listed != written:
        yield f"{id}: lists the messages {listed}, not {written}"


def _log(log: RunLog, terminal: str) -> Iterator[str]:
    events = log.events
    if events[-1].id != terminal or not ev.ends_stream(events[-1]):
        yield f"ends with {names(events)[-3:]}"
    opened = Counter[str]()
    for event in events:
        branch = event.WhichOneof("event") or ""
        payload = getattr(event, branch)
        if branch in {"message_created", "step_created"}:
            opened[payload.id] += 1
        elif branch in _CLOSED | _MESSAGE_CLOSED:
            opened[payload.id] -= 1
        elif branch in _DELTAS and opened[payload.id] != 1:
            yield "a delta of nothing open"
    if any(opened.values()):
        yield f"not closed exactly once: {opened}"


def _reader(reader: ReaderLog, view: ThreadView) -> Iterator[str]:
    """Every durable event once and in order; after its log was dropped, the end of the run."""
    id = reader.run
    if not reader.ended:
        yield f"{id}: a reader never ended: {ids(reader.events)[-2:]}"
    seen = [ev.event_id(event) for event in reader.events]
    if seen != sorted(set(seen)):
        yield f"{id}: a reader saw events twice or out of order"
    if reader.gone:
        return
    log = view.logs[id].events
    got, durable = {event.id for event in reader.events}, [event.id for event in log]
    missing = [id for id in durable if id not in got]
    if missing and not (reader.past_drop and _only_the_end(durable, missing)):
        yield f"{id}: a reader missed {missing}"
    for event in reader.events:
        branch = event.WhichOneof("event") or ""
        if branch not in _DELTAS and event.id not in set(durable):
            yield f"{id}: a reader saw {branch} {event.id}, which is not in the log"
        if branch == "message_completed" and _said(reader.events, event.message_completed.id) != [
            part.text.value + part.refusal for part in event.message_completed.content
        ]:
            yield f"{id}: a reader lost or repeated a delta of a completed message"
        if branch == "message_incomplete":
            shown = len(_said(reader.events, event.message_incomplete.id))
            if shown > len(event.message_incomplete.content):
                yield f"{id}: a message ended shorter than it was shown"


def _only_the_end(durable: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether what was missed is one stretch just before the last event."""
    return list(durable[-1 - len(missing) : -1]) == list(missing)


def _said(events: Sequence[event_pb2.RunEvent], message: str) -> list[str]:
    """The parts of a message, as the deltas spell them."""
    parts: list[str] = []
    for event in events:
        if event.message_delta.id != message:
            continue
        for part in event.message_delta.delta.content:
            parts += [""] * (part.index + 1 - len(parts))
            parts[part.index] += part.text.value + part.refusal
    return parts


def _runs_of(stage: Stage, thread: str) -> Iterator[Begun]:
    for (of, _), said in stage.story.said.items():
        if of == thread:
            yield from (item.begun for item in said if item.begun is not None)
