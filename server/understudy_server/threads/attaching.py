"""Files that come with messages: what they add to the thread.

A file for file_search goes into the thread's vector store, which is made if there is none; one for code_interpreter
goes into the thread's list of files. Both are written down in the commit that adds the messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from understudy.v1 import message_pb2, tool_pb2
from understudy_server import refused_values as words
from understudy_server.clock import SECOND
from understudy_server.errors import NotFound
from understudy_server.store import tables
from understudy_server.store.port import Operation, Partition, Store
from understudy_server.store.v1.records_pb2 import ThreadRecord, VectorStoreErrand
from understudy_server.vectors import finding, promises

MAX_CODE_FILES = 20
"""Of one thread."""

MAX_SEARCHED = 2000
"""Files for file_search in one request."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What the attachments of some messages ask for; each file once."""

    searched: Sequence[str] = ()
    for_code: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.searched or self.for_code)


@dataclass(frozen=True, slots=True)
class Attaching:
    """What goes into the commit that adds the messages, and what is to be done after it."""

    operations: Sequence[Operation] = ()
    errands: Sequence[VectorStoreErrand] = ()


def attached(
    messages: Iterable[message_pb2.NewMessage | message_pb2.CreateMessageRequest],
) -> Attached:
    """Raises ``InvalidRequest`` for more files than one request may bring."""
    tools: dict[str, dict[str, None]] = {"file_search": {}, "code_interpreter": {}}
    for message in messages:
        for attachment in message.attachments:
            if not attachment.HasField("file_id"):
                continue
            for tool in attachment.tools:
                tools[tool.WhichOneof("tool") or "file_search"][attachment.file_id] = None
    searched = list(tools["file_search"])
    if len(searched) > MAX_SEARCHED:
        raise words.array_too_long("attachments", MAX_SEARCHED, len(searched))
    return Attached(searched, list(tools["code_interpreter"]))


def to_new_thread(
    resources: tool_pb2.ToolResources,
    files: Attached,
    *,
    new_id: str,
    making: tool_pb2.NewVectorStore | None,
    seconds: int,
) -> Sequence[VectorStoreErrand]:
    """Adds to the resources of a thread that is being created; what is to be done after its commit.

    ``new_id``: of the store, should one be made; ``making``: the one that the request asks for.
    """
    _add_code_files(resources, files.for_code)
    errands = []
    ids = resources.file_search.vector_store_ids
    if making is not None:
        ids.append(new_id)
        errands.append(promises.for_thread(new_id, making, seconds))
    if files.searched:
        is_new = not ids
        if is_new:
            ids.append(new_id)
        store = ids[0]
        errands.append(promises.for_attachments(store, files.searched, seconds, is_new=is_new))
    return errands


async def to_thread(
    store: Store, partition: Partition, files: Attached, *, owner: str
) -> Attaching:
    """Adds to a thread that exists. ``owner``: the id of the message or run with which the files come.

    Raises ``NotFound``, ``InvalidRequest`` for more files than a thread may have; ``StoreError``s.
    """
    if not files:
        return Attaching()
    thread_id = tables.thread_of(partition)
    row = await tables.threads.get(store, partition, thread_id, fresh=True)
    if row is None:
        raise NotFound(f"No thread found with id '{thread_id}'.")
    after = ThreadRecord()
    after.CopyFrom(row.body)
    resources = after.thread.tool_resources
    _add_code_files(resources, files.for_code)
    operations: list[Operation] = []
    errands = []
    if files.searched:
        now = store.now()
        ids = resources.file_search.vector_store_ids
        is_new = not ids or not await _is_usable(store, partition, ids[0])
        if is_new:
            ids[:] = [promises.store_id(partition.project, owner)]
        errand = promises.for_attachments(ids[0], files.searched, now // SECOND, is_new=is_new)
        errands.append(errand)
        operations.append(promises.put(errand, owner, now))
    if after != row.body:
        operations.append(tables.threads.replace(row, after, labels=(tables.ALL,)))
    return Attaching(operations, errands)


async def _is_usable(store: Store, partition: Partition, store_id: str) -> bool:
    """Whether a thread's store is there, or about to be."""
    found = await finding.find(store, partition.project, store_id)
    if found is not None:
        return not found.has_expired(store.now())
    return await tables.errands.get(store, partition, store_id, fresh=True) is not None


def _add_code_files(resources: tool_pb2.ToolResources, ids: Sequence[str]) -> None:
    if not ids:
        return
    files = resources.code_interpreter.file_ids
    files.extend([id for id in ids if id not in files])
    if len(files) > MAX_CODE_FILES:
        where = "tool_resources.code_interpreter.file_ids"
        raise words.array_too_long(where, MAX_CODE_FILES, len(files))
