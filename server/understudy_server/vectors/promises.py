"""Vector stores that another object is promised: what they will be, and the note in that object's own commit. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.v1 import tool_pb2, vector_store_pb2
from understudy_server.ids import derived
from understudy_server.store import tables
from understudy_server.store.port import Put
from understudy_server.store.v1.records_pb2 import VectorStoreErrand
from understudy_server.vectors import view
from understudy_server.vectors.adding import resolved
from understudy_server.vectors.creation import PATIENCE

THREAD_DAYS = 7
"""After which a store that was made for a thread expires, unless it is used."""


def store_id(project: str, owner: str) -> str:
    """The id of the store that is made for an object; a repeated request finds the same."""
    return derived("vs_", project, owner)


def for_assistant(id: str, given: tool_pb2.NewVectorStore, seconds: int) -> VectorStoreErrand:
    """``seconds``: now, in Unix seconds."""
    return _errand(_store(id, seconds), given)


def for_thread(id: str, given: tool_pb2.NewVectorStore, seconds: int) -> VectorStoreErrand:
    """A store for what is given with the thread. ``seconds``: now, in Unix seconds."""
    return _errand(_weekly(id, seconds), given)


def for_attachments(
    id: str, file_ids: Sequence[str], seconds: int, *, is_new: bool
) -> VectorStoreErrand:
    """Files that go into a thread's store. ``seconds``: now, in Unix seconds."""
    given = tool_pb2.NewVectorStore(file_ids=file_ids)
    if is_new:
        return for_thread(id, given, seconds)
    return VectorStoreErrand(
        vector_store_id=id, file_ids=file_ids, chunking_strategy=resolved(None)
    )


def put(errand: VectorStoreErrand, owner: str, now: int) -> Put:
    """Goes into the commit of the object that is promised something. ``now``: microseconds, store time.

    A note that makes a store has the store's id, so that it is found by whoever misses the store.
    """
    id = errand.vector_store_id if errand.HasField("store") else owner
    return tables.errands.put(id, errand, expected=None, order=now, due=now + PATIENCE)


def _errand(
    store: vector_store_pb2.VectorStore, given: tool_pb2.NewVectorStore
) -> VectorStoreErrand:
    store.metadata.update(given.metadata)
    return VectorStoreErrand(
        vector_store_id=store.id,
        store=store,
        file_ids=dict.fromkeys(given.file_ids),
        chunking_strategy=resolved(given.chunking_strategy),
    )


def _store(id: str, seconds: int) -> vector_store_pb2.VectorStore:
    return vector_store_pb2.VectorStore(id=id, created_at=seconds, last_active_at=seconds)


def _weekly(id: str, seconds: int) -> vector_store_pb2.VectorStore:
    store = _store(id, seconds)
    store.expires_after.anchor = vector_store_pb2.VECTOR_STORE_EXPIRATION_ANCHOR_LAST_ACTIVE_AT
    store.expires_after.days = THREAD_DAYS
    view.set_expiry(store)
    return store
