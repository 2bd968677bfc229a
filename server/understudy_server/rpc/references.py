"""Objects of other services that a request refers to: files and vector stores.

They must be there when a request names them; what goes later is nobody's mistake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from understudy.v1 import tool_pb2
from understudy_server.documents import kinds
from understudy_server.errors import InvalidRequest, NotFound, StateConflict
from understudy_server.rpc import vector_lookup
from understudy_server.runs.collaborators import Collaborators
from understudy_server.threads.messages import Reference
from understudy_server.vectors import finding, membership
from understudy_server.vectors.finding import Found

Resources = tool_pb2.ToolResources | tool_pb2.NewToolResources


async def check_files(shared: Collaborators, project: str, references: Iterable[Reference]) -> None:
    """Raises ``NotFound``, and ``UnsupportedFile`` for one that is to be searched and cannot be."""
    given = list(references)
    ids = vector_lookup.distinct(reference.file_id for reference in given)
    found = await membership.find_files(shared, project, ids)
    absent = [reference for reference in given if reference.file_id not in found]
    if absent:
        missing = vector_lookup.distinct(reference.file_id for reference in absent)
        raise membership.not_there(missing, absent[0].path)
    searched = [reference for reference in given if reference.is_searched]
    names = [found[reference.file_id].body.file.filename for reference in searched]
    if refused := kinds.unsupported(names):
        first = next(
            reference
            for reference, name in zip(searched, names, strict=True)
            if kinds.unsupported([name])
        )
        refused.param = first.path
        raise refused


async def check_resources(
    shared: Collaborators,
    project: str,
    given: Resources,
    path: str = "tool_resources",
    also: Iterable[Reference] = (),
) -> None:
    """Raises ``NotFound`` and ``InvalidRequest``. ``also``: files that are named elsewhere in the request."""
    making = new_store(given, path)
    references = [
        Reference(id, f"{path}.code_interpreter.file_ids[{index}]")
        for index, id in enumerate(given.code_interpreter.file_ids)
    ]
    if making is not None:
        where = f"{path}.file_search.vector_stores[0]"
        vector_lookup.check_strategy(making.chunking_strategy, f"{where}.chunking_strategy")
        references += [
            Reference(id, f"{where}.file_ids[{index}]", is_searched=True)
            for index, id in enumerate(making.file_ids)
        ]
    await check_files(shared, project, [*references, *also])
    for index, id in enumerate(given.file_search.vector_store_ids):
        if await finding.find(shared.store, project, id) is None:
            raise NotFound(
                f"Vector store with id [{id}] not found.",
                param=f"{path}.file_search.vector_store_ids[{index}]",
                resource=("understudy.v1.VectorStore", id),
            )


def new_store(given: Resources, path: str = "tool_resources") -> tool_pb2.NewVectorStore | None:
    """The vector store that is to be made on the way. Raises ``InvalidRequest`` for one beside others."""
    if not isinstance(given, tool_pb2.NewToolResources) or not given.file_search.vector_stores:
        return None
    if given.file_search.vector_store_ids:
        where = f"{path}.file_search.vector_stores"
        raise InvalidRequest(
            f"Invalid '{where}': it cannot be given together with 'vector_store_ids'.",
            reason="INVALID_VALUE",
            param=where,
        )
    return given.file_search.vector_stores[0]


def stored(given: tool_pb2.NewToolResources) -> tool_pb2.ToolResources:
    """Resources as the object keeps them, but for the store that is made on the way."""
    kept = tool_pb2.ToolResources()
    if given.HasField("code_interpreter"):
        kept.code_interpreter.CopyFrom(given.code_interpreter)
    if given.HasField("file_search"):
        kept.file_search.vector_store_ids.extend(given.file_search.vector_store_ids)
        kept.file_search.SetInParent()
    return kept


def fill_in(target: tool_pb2.NewToolResources, given: tool_pb2.ToolResources) -> None:
    """Gives ``target`` what ``given`` has for each tool that it does not name itself."""
    if given.HasField("code_interpreter") and not target.HasField("code_interpreter"):
        target.code_interpreter.CopyFrom(given.code_interpreter)
    if given.HasField("file_search") and not target.HasField("file_search"):
        target.file_search.vector_store_ids.extend(given.file_search.vector_store_ids)


async def check_stores(
    shared: Collaborators, project: str, resources: Sequence[tool_pb2.ToolResources]
) -> Sequence[Found]:
    """The vector stores that a run may search.

    Raises ``StateConflict`` for one that has expired; one that is gone is nobody's mistake.
    """
    ids = vector_lookup.distinct(
        id for given in resources for id in given.file_search.vector_store_ids
    )
    found = await asyncio.gather(*(finding.find(shared.store, project, id) for id in ids))
    stores = [store for store in found if store is not None]
    for store in stores:
        if store.has_expired(shared.store.now()):
            raise StateConflict(f"Vector store {store.record.id} is expired.")
    return stores
