"""Objects by id: found, not found, or not even an id.

An id is looked up first, since imported objects keep the ids that their owners have stored; only a miss with
a wrong prefix is called malformed.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy_server.errors import DomainError, InvalidRequest, NotFound
from understudy_server.runs import head as heads
from understudy_server.store import tables
from understudy_server.store.port import Partition, Store
from understudy_server.store.tables import HEAD_ID, Row
from understudy_server.store.v1.records_pb2 import AssistantRecord, RunSpec, RunState, ThreadRecord


@dataclass(frozen=True, slots=True)
class Kind:
    """How errors speak of a kind of object."""

    noun: str
    param: str
    prefix: str

    @property
    def message(self) -> str:
        """The full name of its message in the contract."""
        return f"understudy.v1.{self.noun.title().replace(' ', '')}"


ASSISTANT = Kind("assistant", "assistant_id", "asst")
THREAD = Kind("thread", "thread_id", "thread")
MESSAGE = Kind("message", "message_id", "msg")
RUN = Kind("run", "run_id", "run")
STEP = Kind("run step", "step_id", "step")


def missing(kind: Kind, id: str, param: str | None = None) -> DomainError:
    """The error for an id that was not found; ``param`` if it did not stand in the usual place."""
    if not id.startswith(f"{kind.prefix}_"):
        name = param or kind.param
        return InvalidRequest(
            f"Invalid '{name}': '{id[:256]}'. Expected an ID that begins with '{kind.prefix}'.",
            reason="INVALID_VALUE",
            param=name,
        )
    return NotFound(f"No {kind.noun} found with id '{id}'.", resource=(kind.message, id))


async def assistant(store: Store, project: str, id: str) -> Row[AssistantRecord]:
    row = await tables.assistants.get(store, tables.assistants_of(project), id, fresh=True)
    if row is None:
        raise missing(ASSISTANT, id)
    return row


async def thread(store: Store, project: str, id: str) -> tuple[Partition, Row[ThreadRecord]]:
    """Raises ``NotFound`` for a deleted thread, whether or not it has been purged."""
    partition = tables.thread_partition(project, id)
    row = await tables.threads.get(store, partition, id, fresh=True)
    head = await tables.heads.get(store, partition, HEAD_ID, fresh=True)
    if row is None or head is None or not heads.exists(head.body):
        raise missing(THREAD, id)
    return partition, row


async def run(
    store: Store, project: str, thread_id: str, id: str
) -> tuple[Partition, Row[RunSpec], Row[RunState]]:
    partition, _ = await thread(store, project, thread_id)
    spec = await tables.specs.get(store, partition, id, fresh=True)
    state = await tables.runs.get(store, partition, id, fresh=True)
    if spec is None or state is None:
        raise missing(RUN, id)
    return partition, spec, state
