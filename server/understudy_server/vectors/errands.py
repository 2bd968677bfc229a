"""Vector stores that an assistant, a thread or a message was promised: made, and filled, after its own commit.

The promise is written down in that commit, so that it is kept whatever happens in between. Keeping it twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from understudy_server.errors import Conflict, NotFound, StoreError
from understudy_server.runs.collaborators import Collaborators
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Partition
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import VectorStoreErrand, VectorStoreRecord
from understudy_server.vectors import creation, finding, membership, promises
from understudy_server.vectors.adding import Entry
from understudy_server.vectors.amend import StoreGone, amend
from understudy_server.vectors.draft import Draft


async def attend(shared: Collaborators, row: Row[VectorStoreErrand]) -> None:
    """Does an errand that is due. Raises ``StoreError``s."""
    partition = row.record.partition
    if partition == tables.vector_store_partition(partition.project, row.id):
        await creation.fill(shared, partition)
        return
    await run(shared, row)


async def keep(
    shared: Collaborators, place: Partition, errands: Iterable[VectorStoreErrand], owner: str
) -> None:
    """Does the errands that a commit has just written down, as far as that succeeds; the rest is due soon."""
    for errand in errands:
        id = promises.put(errand, owner, 0).id
        with suppress(StoreError):
            row = await tables.errands.get(shared.store, place, id, fresh=True)
            if row is not None:
                await run(shared, row)


async def run(shared: Collaborators, row: Row[VectorStoreErrand]) -> None:
    """Makes the store unless it was made before, adds the files, and forgets the errand.

    Files and stores that are gone by now are left alone. Raises ``StoreError``s.
    """
    errand = row.body
    place = row.record.partition
    with suppress(NotFound, StoreGone):
        if errand.HasField("store"):
            await _make(shared, place, errand)
        else:
            await _add(shared, place, errand)
    with suppress(Conflict):  # somebody else has done the same
        await commit_new(shared.store, place, [tables.errands.delete(row)], shared.clock)


async def _make(shared: Collaborators, place: Partition, errand: VectorStoreErrand) -> None:
    new = creation.NewStore(
        project=place.project,
        record=VectorStoreRecord(store=errand.store),
        file_ids=errand.file_ids,
        strategy=errand.chunking_strategy,
    )
    await creation.create(shared, new)


async def _add(shared: Collaborators, place: Partition, errand: VectorStoreErrand) -> None:
    store_id = errand.vector_store_id
    found = await finding.find(shared.store, place.project, store_id)
    if found is None:
        maker = await tables.errands.get(shared.store, place, store_id, fresh=True)
        if maker is None:
            return
        await run(shared, maker)
    elif found.has_expired(shared.store.now()):
        return
    partition = tables.vector_store_partition(place.project, store_id)
    for start in range(0, len(errand.file_ids), membership.CHUNK):
        ids = errand.file_ids[start : start + membership.CHUNK]
        await _add_some(shared, partition, ids, errand)
        await membership.confirm_all(shared, place.project, store_id, ids)


async def _add_some(
    shared: Collaborators, partition: Partition, ids: Sequence[str], errand: VectorStoreErrand
) -> None:
    store_id = tables.vector_store_of(partition)
    files = await membership.point(shared, partition.project, store_id, ids)

    async def decide(draft: Draft) -> None:
        for id, file in files.items():
            name = file.body.file.filename
            entry = Entry(file_id=id, filename=name, strategy=errand.chunking_strategy)
            await membership.add_to(draft, entry)

    await amend(shared.store, shared.clock, partition, decide)
