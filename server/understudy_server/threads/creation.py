"""New threads, with their first messages and perhaps their first run: all or nothing.

What does not fit into one commit is staged: messages go behind a head that says that the thread does not exist
yet; the last commit makes it exist. What a crash leaves behind is purged: by a repeat of the request, or when it is
due.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from understudy.v1 import message_pb2
from understudy_server.errors import Conflict, InvalidRequest, NotFound
from understudy_server.idempotency import same_request
from understudy_server.runs import head as heads
from understudy_server.runs import starting
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Operation, Partition, Put, Version
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import Head, ThreadRecord, VectorStoreErrand
from understudy_server.threads.messages import puts
from understudy_server.threads.purge import purge
from understudy_server.vectors import promises

CHUNK_OPERATIONS = 80
CHUNK_BYTES = 700_000
"""Of message bodies in one commit; the rest of the commit needs room too."""

LAST_BYTES = 900_000
"""Of everything that a caller gave in the commit that creates a thread or a run."""

ABANDONED_AFTER = 2.0
"""Seconds without a commit after which a repeat of the request gives up on the creation that it waits for. Should
that one only have been slow, it meets a conflict."""

_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    record: ThreadRecord
    started: starting.Started | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewThread:
    partition: Partition
    record: ThreadRecord
    messages: Sequence[message_pb2.Message]
    run: starting.NewRun | None = None
    errands: Sequence[VectorStoreErrand] = ()
    """Vector stores that the thread is promised."""

    def with_run(self, run: starting.NewRun) -> NewThread:
        return replace(self, run=run)


async def create(shared: Collaborators, new: NewThread) -> Created:
    """Raises ``NotFound`` for the key of a thread that was deleted, ``IdempotencyMismatch``, ``InvalidRequest``.

    Raises ``Conflict`` when a repeat of this request has given up on this one.
    """
    partition = new.partition
    _fits_beside(new)
    head = await _settled_head(shared, partition)
    if head is not None:
        return await _created_before(shared, new, head)
    now = shared.store.now()
    chunks = split(puts(new.messages, now))
    version: Version | None = None
    if _beside(new) + sum(len(put.body) for put in chunks[-1]) > LAST_BYTES:
        chunks.append([])
    *staged, last = chunks
    for chunk in staged:
        staging = heads.fresh(now=now, last_order=chunk[-1].order, staged=True)
        try:
            version = await _commit(shared, partition, [staging.put(version), *chunk])
        except Conflict:
            if version is not None:
                raise
            # The same request began at the same moment, and nothing here is ours yet.
            return await create(shared, new)
    operations, started = _final(new, last, now, version, shared.lease)
    try:
        await _commit(shared, partition, operations)
    except Conflict:
        # Only a repeat of this very request can have been here: the id belongs to it alone.
        head = await tables.heads.get(shared.store, partition, HEAD_ID, fresh=True)
        if head is None:
            raise
        return await _created_before(shared, new, head)
    return Created(record=new.record, started=started)


def split(messages: Sequence[Put]) -> list[list[Put]]:
    """Into chunks that fit a commit; at least one, the last of which may be empty."""
    chunks: list[list[Put]] = [[]]
    size = 0
    for put in messages:
        if chunks[-1] and (
            len(chunks[-1]) >= CHUNK_OPERATIONS or size + len(put.body) > CHUNK_BYTES
        ):
            chunks.append([])
            size = 0
        chunks[-1].append(put)
        size += len(put.body)
    return chunks


def fits(message: message_pb2.Message, param: str) -> None:
    """Raises ``InvalidRequest`` for a message that is larger than one commit may be."""
    size = message.ByteSize()
    if size > CHUNK_BYTES:
        raise InvalidRequest(
            f"Invalid '{param}': too large. Expected a message of at most {CHUNK_BYTES} bytes, "
            f"but got one of {size} bytes instead. Refer to large images by an http(s) URL.",
            reason="STRING_ABOVE_MAX_LENGTH",
            param=param,
        )


def _fits_beside(new: NewThread) -> None:
    """Raises ``InvalidRequest`` where a run and the files of a vector store do not fit into one commit."""
    if _beside(new) > LAST_BYTES:
        where = "thread.tool_resources.file_search.vector_stores"
        raise InvalidRequest(
            f"Invalid '{where}': too many files for one request. Make the vector store beforehand.",
            reason="ARRAY_ABOVE_MAX_LENGTH",
            param=where,
        )


def fit_together(messages: Sequence[message_pb2.Message], param: str, *, beside: int = 0) -> None:
    """Raises ``InvalidRequest`` for messages that cannot be added in one commit.

    ``beside``: bytes of what else the commit carries.
    """
    limit = min(CHUNK_BYTES, LAST_BYTES - beside)
    for index, message in enumerate(messages):
        fits(message, f"{param}[{index}].content")
    size = sum(message.ByteSize() for message in messages)
    if len(messages) > CHUNK_OPERATIONS or size > limit:
        raise InvalidRequest(
            f"Invalid '{param}': array too long. Expected at most {CHUNK_OPERATIONS} messages of "
            f"together at most {limit} bytes; add more of them to the thread beforehand.",
            reason="ARRAY_ABOVE_MAX_LENGTH",
            param=param,
        )


def _beside(new: NewThread) -> int:
    """Bytes that go into the last commit beside messages."""
    run = 0 if new.run is None else new.run.spec.ByteSize()
    return new.record.ByteSize() + run + sum(errand.ByteSize() for errand in new.errands)


def _final(
    new: NewThread, last: Sequence[Put], now: int, version: Version | None, lease: int
) -> tuple[list[Operation], starting.Started | None]:
    """The commit that makes the thread exist."""
    order = now + len(new.messages) + 1
    head = heads.fresh(now=now, last_order=order)
    run_operations: list[Operation] = []
    started = None
    if new.run is not None:
        run_id = new.run.spec.run.id
        core = new.run.core
        head = heads.taken(
            head.head, run_id=run_id, core=core, now=now, last_order=order, lease=lease
        )
        run_operations, started = starting.begin(
            new.partition,
            new.run,
            attempt=head.head.attempt,
            order=order,
            now=now,
            thread=new.record.thread,
        )
    record = tables.threads.put(
        new.record.thread.id, new.record, expected=None, order=now, labels=(tables.ALL,)
    )
    promised = [promises.put(errand, new.record.thread.id, now) for errand in new.errands]
    return [head.put(version), record, *last, *promised, *run_operations], started


async def _settled_head(shared: Collaborators, partition: Partition) -> Row[Head] | None:
    """The head of a thread that exists, or existed; earlier creations are waited for, or given up."""
    clock = shared.clock
    seen: Version | None = None
    since = clock.monotonic()
    while True:
        head = await tables.heads.get(shared.store, partition, HEAD_ID, fresh=True)
        if head is None or not head.body.staged:
            return head
        if head.version != seen:
            seen, since = head.version, clock.monotonic()
        elif clock.monotonic() - since >= ABANDONED_AFTER:
            with suppress(Conflict):  # somebody else has gone on with it
                await purge(shared.store, clock, head)
            continue
        await clock.sleep(_LOOK_EVERY)


async def _commit(
    shared: Collaborators, partition: Partition, operations: Sequence[Operation]
) -> Version | None:
    """Returns the version of the first operation's record, the head."""
    versions = await commit_new(shared.store, partition, operations, shared.clock)
    return versions[0]


async def _created_before(shared: Collaborators, new: NewThread, head: Row[Head]) -> Created:
    thread_id = new.record.thread.id
    row = await tables.threads.get(shared.store, new.partition, thread_id, fresh=True)
    if head.body.staged:
        raise Conflict("a repeat of this request has given up on it")
    if row is None or not heads.exists(head.body):
        raise NotFound(f"No thread found with id '{thread_id}'.")
    same_request(row.body.fingerprint, new.record.fingerprint)
    started = None
    if new.run is not None:
        started = await starting.start(shared, new.partition, new.run, ())
    return Created(record=row.body, started=started)
