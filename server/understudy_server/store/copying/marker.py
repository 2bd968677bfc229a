"""The record that says, in the target, that a copy is not finished yet. No server opens such a store."""

from __future__ import annotations

import json
from dataclasses import dataclass

from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import Partition, Put, Record, Store

PARTITION = Partition(project="", name="copy")
KIND = ID = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    origin: str
    """The ``identity`` of the source."""
    began: int
    """Microseconds since the epoch, by the target's time."""
    progress: str = ""
    """For people."""

    def put(self, expected: str | None) -> Put:
        # JSON, unlike other records: it is no part of what servers keep, and a person may come upon it.
        body = json.dumps({"from": self.origin, "began": self.began, "progress": self.progress})
        return Put(kind=KIND, id=ID, expected=expected, order=0, body=body.encode())


def parse(record: Record) -> Marker:
    body = json.loads(record.body)
    return Marker(origin=body["from"], began=body["began"], progress=body["progress"])


async def find(store: Store) -> Record | None:
    return await store.get(PARTITION, KIND, ID, fresh=True)


async def refuse_half_copy(store: Store) -> None:
    """Raises ``StoreUnavailable`` for a store in which a copy has begun and not ended."""
    record = await find(store)
    if record is not None:
        raise StoreUnavailable(
            f"the store holds an unfinished copy of {parse(record).origin}: finish it by giving the "
            "same `understudy copy` command again, or empty the store"
        )
