"""Typed access to the store: which kinds of records there are, where they live, how they are listed.

A thread's partition holds one ``head``, one ``thread``, its messages, run specs, run states, steps and
event logs; a project's assistants share a partition of their own, and so do its files with its uploads. A vector
store's partition holds its head, the store, its files and their batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from google.protobuf.message import Message as Proto

from understudy.v1 import vector_store_file_pb2
from understudy_server.store.port import Delete, Partition, Put, Record, Store, Version
from understudy_server.store.v1 import records_pb2 as records

M = TypeVar("M", bound=Proto)


@dataclass(frozen=True, slots=True)
class Row(Generic[M]):
    """A record with its body parsed. The body is the caller's own copy."""

    body: M
    record: Record

    @property
    def version(self) -> Version:
        return self.record.version

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def order(self) -> int:
        return self.record.order


class Table(Generic[M]):
    """One kind of record."""

    def __init__(self, kind: str, body: type[M]) -> None:
        self.kind = kind
        self._body = body

    def parse(self, record: Record) -> Row[M]:
        return Row(self._body.FromString(record.body), record)

    async def get(
        self, store: Store, partition: Partition, id: str, *, fresh: bool = False
    ) -> Row[M] | None:
        record = await store.get(partition, self.kind, id, fresh=fresh)
        return None if record is None else self.parse(record)

    async def list(
        self, store: Store, partition: Partition, *, descending: bool = False, limit: int
    ) -> Sequence[Row[M]]:
        found = await store.list(partition, self.kind, descending=descending, limit=limit)
        return [self.parse(record) for record in found]

    def put(
        self,
        id: str,
        body: M,
        *,
        expected: Version | None,
        order: int,
        due: int | None = None,
        labels: tuple[str, ...] = (),
    ) -> Put:
        return Put(
            kind=self.kind,
            id=id,
            expected=expected,
            order=order,
            # Deterministic, so that a commit that is repeated carries the same bytes.
            body=body.SerializeToString(deterministic=True),
            due=due,
            labels=labels,
        )

    def replace(self, row: Row[M], body: M, *, labels: tuple[str, ...] = ()) -> Put:
        """Write a new body over what was read, in the same place of every listing."""
        return self.put(
            row.id,
            body,
            expected=row.version,
            order=row.order,
            due=row.record.due,
            labels=labels,
        )

    def written(self, before: Row[M] | None, put: Put, version: Version) -> Row[M]:
        """The row as a successful put left it, without reading it again."""
        assert before is not None
        record = replace(before.record, version=version, body=put.body, due=put.due)
        return self.parse(record)

    def made(self, partition: Partition, put: Put, version: Version, commit: str) -> Row[M]:
        """The row as a successful first put left it, without reading it."""
        return self.parse(record_of(partition, put, version, commit))

    def delete(self, row: Row[M]) -> Delete:
        return remove(row.record)


ALL = "all"
"""The directory label of everything of one kind."""

HEAD_ID = "head"

assistants = Table("assistant", records.AssistantRecord)
heads = Table("head", records.Head)
threads = Table("thread", records.ThreadRecord)
messages = Table("message", records.MessageRecord)
specs = Table("spec", records.RunSpec)
runs = Table("run", records.RunState)
gone = Table("gone", records.Gone)
loose_blobs = Table("loose-blob", records.LooseBlob)
files = Table("file", records.FileRecord)
removals = Table("file-removal", records.FileRemoval)
uploads = Table("upload", records.UploadRecord)
# How many bytes an upload's parts may be said to hold so far; beside the upload, so that parts do not touch it.
upload_sizes = Table("upload-size", records.Blob)
vector_heads = Table("vector-head", records.VectorStoreHead)
vector_stores = Table("vector_store", records.VectorStoreRecord)
vector_files = Table("vector-file", records.VectorStoreFileRecord)
vector_batches = Table("vector-batch", records.VectorStoreFileBatchRecord)
vector_file_keys = Table("vector-file-key", records.Gone)
"""That a file was added with an idempotency key: the id follows from the key."""
errands = Table("errand", records.VectorStoreErrand)


def steps(run_id: str) -> Table[records.StepRecord]:
    """The steps of one run are a kind of their own, so that listing them needs no filter."""
    return Table(f"step/{run_id}", records.StepRecord)


def model_calls(run_id: str) -> Table[records.ModelCallRecord]:
    """What the model was sent in one run, where that is kept."""
    return Table(f"model-call/{run_id}", records.ModelCallRecord)


def messages_of(run_id: str) -> str:
    """The kind of the empty pointer records that list the messages of one run."""
    return f"message-of/{run_id}"


def upload_parts(upload_id: str) -> Table[records.UploadPartRecord]:
    return Table(f"part/{upload_id}", records.UploadPartRecord)


def files_for(purpose: str) -> Table[records.FileRecord]:
    """The files of one purpose, once more: as they are shown, without what they are made of."""
    return Table(f"file-for/{purpose}", records.FileRecord)


def stores_with(file_id: str) -> str:
    """The kind of the pointer records, beside a file, that name the vector stores it is in; id: the store's."""
    return f"store-with/{file_id}"


def vector_files_in(status: str) -> str:
    """The kind of the pointer records that list a store's files of one status."""
    return f"vector-file-in/{status}"


def vector_files_of(batch_id: str) -> str:
    """The kind of the pointer records that list the files of one batch."""
    return f"vector-file-of/{batch_id}"


def vector_entries(batch_id: str) -> Table[vector_store_file_pb2.NewVectorStoreFile]:
    """The files of one batch that are still to be added, in their order."""
    return Table(f"vector-entry/{batch_id}", vector_store_file_pb2.NewVectorStoreFile)


def record_of(partition: Partition, put: Put, version: Version, commit: str) -> Record:
    """What a successful first put has stored, without reading it."""
    return Record(
        partition=partition,
        kind=put.kind,
        id=put.id,
        order=put.order,
        version=version,
        commit=commit,
        body=put.body,
        due=put.due,
    )


def remove(record: Record) -> Delete:
    return Delete(kind=record.kind, id=record.id, expected=record.version)


def pointer(kind: str, id: str, order: int) -> Put:
    return Put(kind=kind, id=id, expected=None, order=order, body=b"")


def assistants_of(project: str) -> Partition:
    return Partition(project, "assistants")


def files_of(project: str) -> Partition:
    """Of its files and uploads."""
    return Partition(project, "files")


def vector_store_partition(project: str, vector_store_id: str) -> Partition:
    return Partition(project, f"vector_store/{vector_store_id}")


def vector_store_of(partition: Partition) -> str:
    """The id of the vector store whose partition this is."""
    return partition.name.removeprefix("vector_store/")


def thread_partition(project: str, thread_id: str) -> Partition:
    return Partition(project, f"thread/{thread_id}")


def thread_of(partition: Partition) -> str:
    """The id of the thread whose partition this is."""
    return partition.name.removeprefix("thread/")


def run_labels(state: records.RunState, assistant_id: str) -> tuple[str, ...]:
    """Where a run is listed across its project; each label is one filter of that listing."""
    status = f"status={state.run.status}"
    assistant = f"assistant={assistant_id}"
    return (ALL, status, assistant, f"{status}&{assistant}")
